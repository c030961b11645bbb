package ubus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxMessage is the longest body of a message in bytes (UBUS_MAX_MSGLEN, the value that OpenWrt builds with).
const MaxMessage = 1 << 20

// envelopeLen is the length of what precedes a message's body: version, type, sequence number, peer.
const envelopeLen = 8

var errTooLong = fmt.Errorf("more than %d bytes", MaxMessage)

// MessageType says what a message is for (ubusmsg.h).
type MessageType uint8

// The message types.
const (
	MsgHello MessageType = iota
	MsgStatus
	MsgData
	MsgPing
	MsgLookup
	MsgInvoke
	MsgAddObject
	MsgRemoveObject
	MsgSubscribe
	MsgUnsubscribe
	MsgNotify
	MsgMonitor
)

// AttrID says what an attribute of a message means (ubusmsg.h).
type AttrID uint8

// The attributes of all messages but MsgMonitor, with the type of their value.
const (
	AttrStatus      AttrID = iota + 1 // uint32
	AttrObjPath                       // string
	AttrObjID                         // uint32
	AttrMethod                        // string
	AttrObjType                       // uint32
	AttrSignature                     // Table
	AttrData                          // Table
	AttrTarget                        // uint32
	AttrActive                        // bool
	AttrNoReply                       // bool
	AttrSubscribers                   // attributes
	AttrUser                          // string
	AttrGroup                         // string
)

// Message is the unit in which ubusd and its clients talk.
type Message struct {
	Type  MessageType
	Seq   uint16 // an answer carries the number of its request
	Peer  uint32 // who it is for or from: an object's or a client's id, 0 for ubusd itself
	Attrs []Attr
}

// Attr is one attribute of a message, its value still in bytes.
type Attr struct {
	ID   AttrID
	Data []byte
}

// Uint32Attr makes an attribute that holds a number.
func Uint32Attr(id AttrID, n uint32) Attr {
	return Attr{id, binary.BigEndian.AppendUint32(nil, n)}
}

// BoolAttr makes an attribute that holds a truth value.
func BoolAttr(id AttrID, v bool) Attr { return Attr{id, []byte{boolByte(v)}} }

// TextAttr makes an attribute that holds a string; what follows a NUL byte in it is lost.
func TextAttr(id AttrID, s string) Attr { return Attr{id, append([]byte(s), 0)} }

// TableAttr makes an attribute that holds a table. The error says which field blobmsg cannot hold.
func TableAttr(id AttrID, t Table) (Attr, error) {
	data, err := appendFields(nil, t)
	return Attr{id, data}, err
}

// Find returns the value of the attribute in bytes; ok is false if the message has none.
func (m Message) Find(id AttrID) (data []byte, ok bool) {
	for i := len(m.Attrs) - 1; i >= 0; i-- {
		if m.Attrs[i].ID == id {
			return m.Attrs[i].Data, true
		}
	}
	return nil, false
}

// Uint32 returns the number in an attribute; ok is false if there is none.
func (m Message) Uint32(id AttrID) (n uint32, ok bool) {
	data, _ := m.Find(id)
	if len(data) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(data), true
}

// Bool returns the truth value in an attribute, false if there is none.
func (m Message) Bool(id AttrID) bool {
	data, _ := m.Find(id)
	return len(data) == 1 && data[0] != 0
}

// Text returns the string in an attribute, "" if there is none.
func (m Message) Text(id AttrID) string {
	data, _ := m.Find(id)
	s, _ := parseString(data)
	return s
}

// Table returns the table in an attribute, an empty one if there is none.
func (m Message) Table(id AttrID) (Table, error) {
	data, _ := m.Find(id)
	return parseFields(data, 1)
}

// Append appends the message as bytes to b. The only error is a body longer than MaxMessage.
func (m Message) Append(b []byte) ([]byte, error) {
	b = append(b, 0, byte(m.Type))
	b = binary.BigEndian.AppendUint16(b, m.Seq)
	b = binary.BigEndian.AppendUint32(b, m.Peer)
	b, body := begin(b, 0)
	var err error
	for _, attr := range m.Attrs {
		var start int
		b, start = begin(b, uint32(attr.ID)<<idShift)
		if b, err = end(append(b, attr.Data...), start); err != nil {
			return nil, err
		}
	}
	return end(b, body)
}

// ParseMessage reads the message at the beginning of b, whose bytes it refers to. n is the message's length, 0 when b
// does not hold all of it yet. After an error the stream cannot be understood any more.
func ParseMessage(b []byte) (m Message, n int, err error) {
	if len(b) < envelopeLen+headerLen {
		return m, 0, nil
	}
	length := int(binary.BigEndian.Uint32(b[envelopeLen:]) & lengthMask)
	switch {
	case b[0] != 0:
		return m, 0, fmt.Errorf("message of version %d", b[0])
	case length < headerLen:
		return m, 0, errors.New("message without a body")
	case length > MaxMessage:
		return m, 0, fmt.Errorf("message of %d bytes: %w", length, errTooLong)
	case len(b) < envelopeLen+length:
		return m, 0, nil
	}
	n = envelopeLen + length
	m = Message{Type: MessageType(b[1]), Seq: binary.BigEndian.Uint16(b[2:]), Peer: binary.BigEndian.Uint32(b[4:])}
	m.Attrs, err = parseAttrs(b[envelopeLen+headerLen : n])
	return m, n, err
}

func parseAttrs(b []byte) ([]Attr, error) {
	var attrs []Attr
	for len(b) > 0 {
		head, data, rest, err := cut(b)
		if err != nil {
			return nil, err
		}
		attrs = append(attrs, Attr{AttrID(head >> idShift & idMask), data})
		b = rest
	}
	return attrs, nil
}

// Reader cuts the messages out of a stream. A read that fails, for instance at a deadline, loses nothing: the next
// call goes on in the middle of the message. File descriptors that ride on a socket are closed by the kernel.
type Reader struct {
	stream io.Reader
	have   []byte
}

// NewReader returns a reader for a stream that begins with a message.
func NewReader(stream io.Reader) *Reader { return &Reader{stream: stream} }

// Next returns the next message. Its bytes stay valid.
func (r *Reader) Next() (Message, error) {
	for {
		m, n, err := ParseMessage(r.have)
		if err != nil {
			return Message{}, fmt.Errorf("%w: %w", Garbled, err)
		}
		if n > 0 {
			r.have = r.have[n:]
			return m, nil
		}
		if err := r.more(); err != nil {
			return Message{}, err
		}
	}
}

// more reads once. Bytes that a message refers to are never written again: have only grows, or moves.
func (r *Reader) more() error {
	chunk := make([]byte, 4096)
	n, err := r.stream.Read(chunk)
	r.have = append(r.have, chunk[:n]...)
	if n > 0 {
		return nil
	}
	return err
}
