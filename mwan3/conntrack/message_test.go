package conntrack

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// attr is an attribute as the kernel of this machine writes it.
func attr(typ uint16, values ...[]byte) []byte {
	value := slices.Concat(values...)
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofNlAttr+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, typ), value...)
	return append(b, make([]byte, -len(b)&3)...)
}

const isNested = unix.NLA_F_NESTED

var (
	tuple = attr(nl.CTA_TUPLE_ORIG|isNested,
		attr(nl.CTA_TUPLE_IP|isNested, attr(nl.CTA_IP_V4_SRC, []byte{192, 168, 1, 2}), attr(nl.CTA_IP_V4_DST, []byte{198, 51, 100, 2})),
		attr(nl.CTA_TUPLE_PROTO|isNested, attr(nl.CTA_PROTO_NUM, []byte{unix.IPPROTO_UDP})))
	reply = attr(nl.CTA_TUPLE_REPLY|isNested,
		attr(nl.CTA_TUPLE_IP|isNested, attr(nl.CTA_IP_V4_DST, []byte{198, 51, 100, 1})))
	zone   = attr(nl.CTA_ZONE|unix.NLA_F_NET_BYTEORDER, []byte{0, 5})
	id     = attr(nl.CTA_ID, []byte{1, 2, 3, 4})
	status = attr(nl.CTA_STATUS, []byte{0, 0, 0, sourceNAT})
)

// FuzzDecode checks that what can be read is the same connection when a request that names it is read, and that nothing
// that a connection says of itself breaks its reader.
func FuzzDecode(f *testing.F) {
	for _, parts := range [][][]byte{{tuple}, {tuple, reply, status, zone, id}, {tuple[:8]}, {reply, id}} {
		body := []byte{unix.AF_INET, nl.NFNETLINK_V0, 0, 0}
		for _, part := range parts {
			body = append(body, part...)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := decode(body)
		if err != nil {
			return
		}
		if addr := e.replyTo(); addr.IsValid() && addr.Is4() != (e.family == unix.AF_INET) {
			t.Errorf("family %d: %s", e.family, addr)
		}
		e.isBound()
		sameMark := remark(0xffffffff, map[uint32]uint32{e.mark: e.mark})
		expectSame(t, e, sameMark, "reply", "id", "status")
		expectSame(t, e, forget(), "reply", "mark", "status")
	})
}

// expectSame compares a connection with the one that a request names, but for what the request does not say.
func expectSame(t *testing.T, e entry, o order, unsaid ...string) {
	t.Helper()
	again, err := decode(o.appendRequest(nil, e, 1, true)[unix.SizeofNlMsghdr:])
	ignore := cmp.FilterPath(func(p cmp.Path) bool {
		for _, name := range unsaid {
			if p.Last().String() == "."+name {
				return true
			}
		}
		return false
	}, cmp.Ignore())
	if diff := cmp.Diff(e, again, cmp.AllowUnexported(entry{}), cmpopts.EquateEmpty(), ignore); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestWhatCannotBeReadOfAConnectionIsNotGuessed(t *testing.T) {
	t.Parallel()
	e := entry{family: unix.AF_INET, tuple: tuple, reply: reply}
	if got := e.replyTo().String(); got != "198.51.100.1" || e.isBound() {
		t.Errorf("a UDP connection is answered to %s, bound: %v", got, e.isBound())
	}
	other := e
	other.family = unix.AF_INET6
	cut := entry{family: unix.AF_INET, tuple: tuple[:30], reply: reply[:10]}
	for name, e := range map[string]entry{"nothing": {}, "another family": other, "cut off": cut} {
		if got := e.replyTo(); got.IsValid() {
			t.Errorf("%s: answered to %s", name, got)
		}
	}
	if !cut.isBound() {
		t.Error("a connection of an unknown protocol counts as one that can be moved")
	}
}
