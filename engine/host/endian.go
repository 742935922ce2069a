package host

import "encoding/binary"

// nativeBytes appends w as it lies in memory.
func nativeBytes(to []byte, w uint32) []byte { return binary.NativeEndian.AppendUint32(to, w) }
