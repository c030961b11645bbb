package ubus

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzTable: whatever can be read as a table comes back the same after it was written.
func FuzzTable(f *testing.F) {
	seed, err := appendFields(nil, Table{{"up", true}, {"n", 300}, {"big", int64(1) << 40}, {"d", 1.5}, {"s", "x"},
		{"a", Array{"x", nil}}, {"t", Table{{"", 1}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{0x86, 0, 0, 10, 0, 1, 'n', 0, 0xff, 0xfe})
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := parseFields(b, 1)
		if err != nil {
			return
		}
		again, err := appendFields(nil, table)
		if err != nil {
			if len(b) > MaxMessage/2 {
				return
			}
			t.Fatalf("%v cannot be written: %v", table, err)
		}
		got, err := parseFields(again, 1)
		if diff := cmp.Diff(table, got, cmpopts.EquateNaNs()); diff != "" || err != nil {
			t.Errorf("%v, difference (-want +got):\n%s", err, diff)
		}
	})
}

// FuzzMessage: whatever can be read as a message comes back the same after it was written, and each of its attributes
// can be read as any type without harm.
func FuzzMessage(f *testing.F) {
	data, err := TableAttr(AttrData, Table{{"a", Array{"x"}}})
	if err != nil {
		f.Fatal(err)
	}
	seed, err := Message{Type: MsgInvoke, Seq: 7, Peer: 9, Attrs: []Attr{Uint32Attr(AttrObjID, 1), TextAttr(AttrMethod, "m"),
		BoolAttr(AttrNoReply, true), data}}.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 12, 1, 0, 0, 8, 0, 0, 0, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, n, err := ParseMessage(b)
		if err != nil || n == 0 {
			return
		}
		for id := range AttrID(idMask) {
			m.Uint32(id)
			m.Bool(id)
			m.Text(id)
			_, _ = m.Table(id)
		}
		again, err := m.Append(nil)
		if err != nil {
			t.Fatalf("%v cannot be written: %v", m, err)
		}
		got, _, err := ParseMessage(again)
		if diff := cmp.Diff(m, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%v, difference (-want +got):\n%s", err, diff)
		}
	})
}

// FuzzStream: a reader never fails in another way than by an error, however the stream is cut.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 6, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 6, 0, 5, 0, 0, 0, 0, 0, 0, 0, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		reader := NewReader(bytes.NewReader(b))
		for {
			if _, err := reader.Next(); err != nil {
				return
			}
		}
	})
}
