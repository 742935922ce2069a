package state

import (
	"crypto/sha256"
	"encoding/hex"
)

// InlineMax is the size in bytes up to which a content travels with its state;
// what is larger goes by its hash and in pieces.
const InlineMax = 128 << 10

// Content is what a file holds: its SHA-256 and size, and its bytes or where to get them.
type Content struct {
	Sum  string // hex SHA-256
	Size int64  // in bytes; -1 where it is not known before it was fetched
	// Data is the bytes when they are at hand; nil for a large content.
	Data []byte `json:",omitempty"`
	// From says where a large content's bytes are:
	// "blob:" (the sender's store, by Sum), "path:/…" (a file of the host),
	// "url:https://…" (fetched when written; Sum must then be known),
	// "tar:ARCHIVE#ENTRY" or "zip:ARCHIVE#ENTRY" (an archive's member, as an [Archive] lists it).
	From string `json:",omitempty"`
}

// Bytes is the content b.
func Bytes(b []byte) Content {
	sum := sha256.Sum256(b)
	if b == nil {
		b = []byte{}
	}
	return Content{Sum: hex.EncodeToString(sum[:]), Size: int64(len(b)), Data: b}
}

// Text is the content s.
func Text(s string) Content { return Bytes([]byte(s)) }

// Equal reports whether c and o are the same bytes.
func (c Content) Equal(o Content) bool { return c.Sum == o.Sum }

// AtHand reports whether c's bytes are in Data.
func (c Content) AtHand() bool { return c.Data != nil || c.Size == 0 }

func (c Content) String() string {
	if len(c.Sum) < 12 {
		return "sha256:" + c.Sum
	}
	return "sha256:" + c.Sum[:12]
}
