package ipset

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// attr is an attribute as the kernel of this machine writes it.
func attr(kind int, values ...[]byte) []byte {
	value := slices.Concat(values...)
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, uint16(kind)), value...)
	return append(b, make([]byte, -len(b)&3)...)
}

// listed is a member of a hash:net.
func listed(bits byte, flags []byte, addr ...byte) []byte {
	return attr(nl.IPSET_ATTR_DATA|unix.NLA_F_NESTED,
		attr(nl.IPSET_ATTR_IP|unix.NLA_F_NESTED, attr(nl.IPSET_ATTR_IPADDR_IPV4|unix.NLA_F_NET_BYTEORDER, addr)),
		attr(nl.IPSET_ATTR_CIDR, []byte{bits}), flags)
}

// dumped is a set in one message.
func dumped(members ...[]byte) []byte {
	return slices.Concat([]byte{unix.AF_INET, nl.NFNETLINK_V0, 0, 0},
		attr(nl.IPSET_ATTR_SETNAME, []byte("ab\x00")), attr(nl.IPSET_ATTR_TYPENAME, []byte("hash:net\x00")),
		attr(nl.IPSET_ATTR_FAMILY, []byte{unix.AF_INET}),
		attr(nl.IPSET_ATTR_DATA|unix.NLA_F_NESTED, attr(nl.IPSET_ATTR_MAXELEM|unix.NLA_F_NET_BYTEORDER, []byte{0, 1, 0, 2})),
		attr(nl.IPSET_ATTR_ADT|unix.NLA_F_NESTED, members...))
}

func TestASetOfSeveralMessagesIsReadWhole(t *testing.T) {
	noMatch := attr(nl.IPSET_ATTR_CADT_FLAGS|unix.NLA_F_NET_BYTEORDER, []byte{0, 0, 0, nl.IPSET_FLAG_NOMATCH})
	got := decodeSets([][]byte{dumped(listed(24, nil, 192, 0, 2, 0)), dumped(listed(32, noMatch, 198, 51, 100, 7))})
	want := []Set{{name: "ab", kind: "hash:net", family: unix.AF_INET, maxElem: 0x10002, odd: true,
		Members: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.7/32")}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Set{}), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Error(diff)
	}
}

func FuzzSetMessages(f *testing.F) {
	f.Add(dumped(listed(24, nil, 192, 0, 2, 0)))
	f.Fuzz(func(t *testing.T, message []byte) {
		for _, set := range decodeSets([][]byte{message, message}) {
			for _, member := range set.Members {
				if !member.IsValid() {
					t.Errorf("member %v", member)
				}
			}
		}
	})
}
