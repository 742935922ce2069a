// Command rp-helper is what rp sends to a host: modules and the loop that runs
// them, and nothing of the controller. `make build` builds it for every
// architecture and embeds the results in rp. rp itself can stand in for it.
package main

import (
	"fmt"
	"os"

	"rp/engine/helper"
	"rp/modules"
)

func main() {
	code, handled := helper.Main(os.Args[1:], helper.Options{Find: modules.Find})
	if !handled {
		fmt.Fprintln(os.Stderr, "rp-helper is started by rp on the hosts it works on; there is nothing to run by hand")
		code = 1
	}
	os.Exit(code)
}
