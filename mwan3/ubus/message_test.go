package ubus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// fromHex reads hex digits, blanks and line breaks between them for the reader.
func fromHex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tableAttr(t testing.TB, id AttrID, table Table) Attr {
	t.Helper()
	attr, err := TableAttr(id, table)
	if err != nil {
		t.Fatal(err)
	}
	return attr
}

// TestMessagesAreTheBytesOfLibubus compares with messages that libubus itself wrote.
func TestMessagesAreTheBytesOfLibubus(t *testing.T) {
	tests := map[string]struct {
		hex     string
		message Message
	}{
		"lookup": {`00040001 00000000 00000020 0200001a 6e657477 6f726b2e 696e7465 72666163 652e7761 6e000000`,
			Message{Type: MsgLookup, Seq: 1, Attrs: []Attr{TextAttr(AttrObjPath, "network.interface.wan")}}},
		"invoke without arguments": {`00050002 12345678 0000001c 03000008 12345678 0400000b 73746174 75730000 07000004`,
			Message{Type: MsgInvoke, Seq: 2, Peer: 0x12345678, Attrs: []Attr{
				Uint32Attr(AttrObjID, 0x12345678), TextAttr(AttrMethod, "status"), tableAttr(t, AttrData, nil)}}},
		"invoke with an argument": {`00050003 12345678 00000030 03000008 12345678 04000009 6c697374 00000000
			07000018 83000012 00046e61 6d650000 6d77616e 33000000`,
			Message{Type: MsgInvoke, Seq: 3, Peer: 0x12345678, Attrs: []Attr{
				Uint32Attr(AttrObjID, 0x12345678), TextAttr(AttrMethod, "list"),
				tableAttr(t, AttrData, Table{{"name", "mwan3"}})}}},
		"add an object without a name": {`00060004 00000000 00000004`, Message{Type: MsgAddObject, Seq: 4}},
		"register for events": {`00050005 00000001 00000058 03000008 00000001 0400000d 72656769 73746572 00000000
			0700003c 85000014 00066f62 6a656374 00000000 0badcafe
			83000022 00077061 74746572 6e000000 6e657477 6f726b2e 696e7465 72666163 65000000`,
			Message{Type: MsgInvoke, Seq: 5, Peer: 1, Attrs: []Attr{
				Uint32Attr(AttrObjID, 1), TextAttr(AttrMethod, "register"),
				tableAttr(t, AttrData, Table{{"object", uint32(0x0badcafe)}, {"pattern", "network.interface"}})}}},
		"status": {`00010001 00000000 0000000c 01000008 00000004`,
			Message{Type: MsgStatus, Seq: 1, Attrs: []Attr{Uint32Attr(AttrStatus, uint32(StatusNotFound))}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := fromHex(t, test.hex)
			got, err := test.message.Append(nil)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("written as %x, %v\nwant %x", got, err, want)
			}
			message, n, err := ParseMessage(want)
			if err != nil || n != len(want) {
				t.Fatalf("parsed %d of %d bytes, %v", n, len(want), err)
			}
			if diff := cmp.Diff(withoutNil(test.message), withoutNil(message)); diff != "" {
				t.Errorf("read differently (-want +got):\n%s", diff)
			}
		})
	}
}

// withoutNil makes attributes without contents comparable.
func withoutNil(m Message) Message {
	for i := range m.Attrs {
		m.Attrs[i].Data = append([]byte{}, m.Attrs[i].Data...)
	}
	return m
}

func TestAttributesAreReadByTheirType(t *testing.T) {
	m := Message{Attrs: []Attr{Uint32Attr(AttrStatus, 7), TextAttr(AttrMethod, "status"), BoolAttr(AttrNoReply, true),
		tableAttr(t, AttrData, Table{{"up", true}}), {ID: AttrObjID, Data: []byte{1, 2}}, {ID: AttrObjPath, Data: []byte("x")}}}
	if n, ok := m.Uint32(AttrStatus); n != 7 || !ok {
		t.Errorf("status %d, %v", n, ok)
	}
	if n, ok := m.Uint32(AttrObjID); n != 0 || ok {
		t.Errorf("an object id of two bytes became %d, %v", n, ok)
	}
	if s := m.Text(AttrMethod); s != "status" {
		t.Errorf("method %q", s)
	}
	if s := m.Text(AttrObjPath); s != "" {
		t.Errorf("a path without its NUL became %q", s)
	}
	if !m.Bool(AttrNoReply) || m.Bool(AttrActive) {
		t.Errorf("no reply %v, active %v", m.Bool(AttrNoReply), m.Bool(AttrActive))
	}
	table, err := m.Table(AttrData)
	if diff := cmp.Diff(Table{{"up", true}}, table); diff != "" || err != nil {
		t.Errorf("data: %v\n%s", err, diff)
	}
}

func TestGarbageIsNotAMessage(t *testing.T) {
	tests := map[string]struct{ hex, want string }{
		"another version":              {`01040001 00000000 00000004`, "message of version 1"},
		"a body shorter than its head": {`00040001 00000000 00000003`, "message without a body"},
		"a body over 1 MiB":            {`00040001 00000000 00100001`, "message of 1048577 bytes: more than 1048576 bytes"},
		"an attribute over the end":    {`00040001 00000000 00000008 02000009`, "attribute reaches over the end"},
		"an attribute without head":    {`00040001 00000000 00000006 0200`, "attribute reaches over the end"},
		"an attribute of no length":    {`00040001 00000000 00000008 02000000`, "attribute reaches over the end"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := ParseMessage(fromHex(t, test.hex))
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			_, err = NewReader(bytes.NewReader(fromHex(t, test.hex))).Next()
			if !errors.Is(err, Garbled) {
				t.Errorf("the reader says %v, which is not Garbled", err)
			}
		})
	}
}

func TestTheLongestMessageHasOneMebibyte(t *testing.T) {
	fits := Message{Attrs: []Attr{{ID: AttrData, Data: make([]byte, MaxMessage-2*headerLen)}}}
	b, err := fits.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, n, err := ParseMessage(b); n != len(b) || err != nil {
		t.Errorf("read %d of %d bytes, %v", n, len(b), err)
	}
	tooLong := Message{Attrs: []Attr{{ID: AttrData, Data: make([]byte, MaxMessage-2*headerLen+1)}}}
	if _, err := tooLong.Append(nil); !errors.Is(err, errTooLong) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestMessagesSurviveAnyCutOfTheStream(t *testing.T) {
	first := Message{Type: MsgLookup, Seq: 1, Attrs: []Attr{TextAttr(AttrObjPath, "service")}}
	second := Message{Type: MsgData, Seq: 2, Attrs: []Attr{{AttrData, bytes.Repeat([]byte("x"), 10000)}}}
	stream, err := first.Append(nil)
	if err == nil {
		stream, err = second.Append(stream)
	}
	if err != nil {
		t.Fatal(err)
	}
	streams := map[string]io.Reader{
		"in one piece": bytes.NewReader(stream),
		"in halves":    iotest.HalfReader(bytes.NewReader(stream)),
		"bytewise":     iotest.OneByteReader(bytes.NewReader(stream)),
		"with the end": iotest.DataErrReader(bytes.NewReader(stream)),
	}
	for name, stream := range streams {
		t.Run(name, func(t *testing.T) {
			reader := NewReader(stream)
			for _, want := range []Message{first, second} {
				got, err := reader.Next()
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Fatalf("%v, difference (-want +got):\n%s", err, diff)
				}
			}
			if _, err := reader.Next(); err != io.EOF {
				t.Errorf("after the last: %v", err)
			}
		})
	}
}

func TestAReadThatTimesOutLosesNothing(t *testing.T) {
	want := Message{Type: MsgLookup, Seq: 1, Attrs: []Attr{TextAttr(AttrObjPath, "service")}}
	stream, err := want.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	reader := NewReader(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(stream))))
	if _, err := reader.Next(); err != iotest.ErrTimeout {
		t.Fatalf("first %v", err)
	}
	got, err := reader.Next()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, difference (-want +got):\n%s", err, diff)
	}
}
