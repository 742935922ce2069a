// Package inventory knows the machines: hosts, the groups they are in, and the
// variables that belong to either, as ansible-core 2.17 reads them.
//
// [Load] reads the sources given with -i in order (INI, YAML, a directory of
// such, a program's JSON, or a list "host1,host2,") into one [Inventory] and
// reports all mistakes at once. [Inventory.Match] turns a host pattern into
// hosts in Ansible's order, [ParseLimit] and [Inventory.Select] do it below --limit.
// [Inventory.HostVars] gives a host's variables level by level, group_vars and
// host_vars files included; engine/vars puts them in their place among the
// other levels. [Connect] reads the ansible_* variables that say how a host is reached.
//
// Hosts and groups may be added while a run is under way ([Inventory.AddHost],
// [Inventory.AddToGroup]): everything here is safe for concurrent use once
// Load has returned.
//
// The package imports engine/value, engine/diag and engine/yaml of rp. It
// renders no templates and opens no connection.
package inventory
