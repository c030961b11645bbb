// Package ipset makes, fills and reads the ipsets of the iptables backend over netlink. The ipset tool is not needed.
package ipset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The library lists sets too, but it opens a socket and a goroutine for each attribute list, writes a line to the
// log for each attribute that newer kernels add, and leaves out the members of list:set. Hence this decoder.

// listHeader asks for a set without its members (IPSET_FLAG_LIST_HEADER of linux/netfilter/ipset/ip_set.h).
const listHeader = 4

// nfgenLength is the length of struct nfgenmsg, which precedes the attributes.
const nfgenLength = 4

// ipset is one set of the kernel.
type Set struct {
	name, kind string // kind: hash:net, list:set …
	family     uint8  // AF_INET, AF_INET6, or 0 for kinds without addresses
	maxElem    uint32
	netmask    uint8          // of hash:ip; 0 = none
	Members    []netip.Prefix // in the kernel's order; those of hash:ip are whole addresses or netmask wide
	lists      []string       // members of list:set
	odd        bool           // has members that prefixes cannot say
}

// List lists the kernel's sets, without their members, by name.
func List() (map[string]Set, error) {
	var flags [4]byte
	binary.BigEndian.PutUint32(flags[:], listHeader)
	list, err := dumpSets(nl.NewRtAttr(nl.IPSET_ATTR_FLAGS|unix.NLA_F_NET_BYTEORDER, flags[:]))
	if err != nil {
		return nil, fmt.Errorf("list sets: %w", err)
	}
	sets := map[string]Set{}
	for _, set := range list {
		sets[set.name] = set
	}
	return sets, nil
}

// Read reads one set with its members; ok is false if there is no such set.
func Read(name string) (set Set, ok bool, err error) {
	if len(name) >= nl.IPSET_MAXNAMELEN || name == "" || strings.ContainsRune(name, 0) {
		return Set{}, false, nil // no set can have it
	}
	list, err := dumpSets(nl.NewRtAttr(nl.IPSET_ATTR_SETNAME, nl.ZeroTerminated(name)))
	if errors.Is(err, syscall.ENOENT) {
		return Set{}, false, nil
	}
	if err != nil {
		return Set{}, false, fmt.Errorf("read set %s: %w", name, err)
	}
	if len(list) != 1 {
		return Set{}, false, nil
	}
	return list[0], true, nil
}

// request is a netlink message to the kernel's sets.
func request(command int) *nl.NetlinkRequest {
	req := nl.NewNetlinkRequest(command|unix.NFNL_SUBSYS_IPSET<<8, nl.GetIpsetFlags(command))
	req.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_INET, Version: nl.NFNETLINK_V0})
	req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_PROTOCOL, nl.Uint8Attr(nl.IPSET_PROTOCOL)))
	return req
}

// send sends a request that has no answer.
func send(req *nl.NetlinkRequest) error {
	_, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	return setError(err)
}

func dumpSets(filter *nl.RtAttr) ([]Set, error) {
	req := request(nl.IPSET_CMD_LIST)
	req.AddData(filter)
	messages, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return nil, setError(err)
	}
	return decodeSets(messages), nil
}

// setError gives the errors that only sets have their names.
func setError(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) && number >= nl.IPSET_ERR_PRIVATE {
		return nl.IPSetError(number)
	}
	return err
}

// decodeSets reads the messages of a dump. A large set comes in several messages that follow each other.
func decodeSets(messages [][]byte) []Set {
	var list []Set
	for _, message := range messages {
		if len(message) < nfgenLength {
			continue
		}
		var part Set
		part.decode(message[nfgenLength:])
		if last := len(list) - 1; last >= 0 && list[last].name == part.name {
			list[last].merge(part)
			continue
		}
		list = append(list, part)
	}
	for i := range list {
		list[i].widen()
	}
	return list
}

func (s *Set) merge(part Set) {
	s.Members = append(s.Members, part.Members...)
	s.lists = append(s.lists, part.lists...)
	s.odd = s.odd || part.odd
}

// widen gives the members of a hash:ip set their netmask.
func (s *Set) widen() {
	for i, member := range s.Members {
		if s.netmask > 0 && int(s.netmask) < member.Bits() {
			s.Members[i] = netip.PrefixFrom(member.Addr(), int(s.netmask)).Masked()
		}
	}
}

// attributes calls each for the netlink attributes in data, up to the first that is cut short.
func attributes(data []byte, each func(kind int, value []byte)) {
	for len(data) >= 4 {
		size := int(binary.NativeEndian.Uint16(data))
		if size < 4 || size > len(data) {
			return
		}
		each(int(binary.NativeEndian.Uint16(data[2:])&nl.NLA_TYPE_MASK), data[4:size])
		data = data[min((size+3)&^3, len(data)):]
	}
}

func (s *Set) decode(message []byte) {
	attributes(message, func(kind int, value []byte) {
		switch kind {
		case nl.IPSET_ATTR_SETNAME:
			s.name = text(value)
		case nl.IPSET_ATTR_TYPENAME:
			s.kind = text(value)
		case nl.IPSET_ATTR_FAMILY:
			s.family = number8(value)
		case nl.IPSET_ATTR_DATA:
			s.decodeHeader(value)
		case nl.IPSET_ATTR_ADT:
			attributes(value, func(_ int, member []byte) { s.decodeMember(member) })
		}
	})
}

func (s *Set) decodeHeader(header []byte) {
	attributes(header, func(kind int, value []byte) {
		switch kind {
		case nl.IPSET_ATTR_MAXELEM:
			s.maxElem = number32(value)
		case nl.IPSET_ATTR_NETMASK:
			s.netmask = number8(value)
		}
	})
}

func (s *Set) decodeMember(member []byte) {
	var addr netip.Addr
	bits, flags := -1, uint32(0)
	attributes(member, func(kind int, value []byte) {
		switch kind {
		case nl.IPSET_ATTR_IP:
			attributes(value, func(_ int, raw []byte) { addr, _ = netip.AddrFromSlice(raw) })
		case nl.IPSET_ATTR_CIDR:
			bits = int(number8(value))
		case nl.IPSET_ATTR_CADT_FLAGS:
			flags = number32(value)
		case nl.IPSET_ATTR_NAME:
			s.lists = append(s.lists, text(value))
		}
	})
	if flags&nl.IPSET_FLAG_NOMATCH != 0 {
		s.odd = true
	}
	if !addr.IsValid() {
		return
	}
	if bits < 0 || bits > addr.BitLen() {
		bits = addr.BitLen()
	}
	s.Members = append(s.Members, netip.PrefixFrom(addr, bits))
}

// text reads a string that ends with a zero.
func text(value []byte) string {
	before, _, _ := bytes.Cut(value, []byte{0})
	return string(before)
}

func number8(value []byte) uint8 {
	if len(value) == 0 {
		return 0
	}
	return value[0]
}

// number32 reads a number in network byte order.
func number32(value []byte) uint32 {
	if len(value) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(value)
}
