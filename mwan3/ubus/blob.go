package ubus

import (
	"encoding/binary"
	"errors"
)

// An attribute is a header of four bytes, its contents, and zero bytes up to the next multiple of four. The header
// holds, big-endian, a bit for blobmsg attributes, seven bits of id and the length of header and contents.
const (
	headerLen  = 4
	extended   = 1 << 31
	idShift    = 24
	idMask     = 0x7f
	lengthMask = 1<<24 - 1
)

var errTruncated = errors.New("attribute reaches over the end")

// begin appends the header of an attribute whose contents the caller appends next. It returns the header's place,
// which end needs. head is the attribute's id, moved to its place, with or without the bit extended.
func begin(b []byte, head uint32) ([]byte, int) {
	return binary.BigEndian.AppendUint32(b, head), len(b)
}

// end completes the attribute that began at start: it sets the length, which leaves out the padding that end adds.
func end(b []byte, start int) ([]byte, error) {
	length := len(b) - start
	if length > MaxMessage {
		return nil, errTooLong
	}
	head := binary.BigEndian.Uint32(b[start:])
	binary.BigEndian.PutUint32(b[start:], head|uint32(length))
	return pad(b, start), nil
}

// pad appends zero bytes until the bytes since start are a multiple of four.
func pad(b []byte, start int) []byte {
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// cut takes the first attribute off b: its header, without the length, and its contents. The last attribute's padding
// may be missing.
func cut(b []byte) (head uint32, contents, rest []byte, err error) {
	if len(b) < headerLen {
		return 0, nil, nil, errTruncated
	}
	head = binary.BigEndian.Uint32(b)
	length := int(head & lengthMask)
	if length < headerLen || length > len(b) {
		return 0, nil, nil, errTruncated
	}
	padded := min(roundUp(length), len(b))
	return head &^ lengthMask, b[headerLen:length], b[padded:], nil
}

func roundUp(n int) int { return (n + 3) &^ 3 }
