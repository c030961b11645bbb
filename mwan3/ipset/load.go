package ipset

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"mwan3/network"
	"mwan3/plan"
)

// The kinds of ipsets that we make.
const (
	hashNet = "hash:net"
	hashIP  = "hash:ip"
	listSet = "list:set"
)

// defaultMaxElem is how many members a set holds unless it needs more, as the ipset tool makes it.
const defaultMaxElem = 65536

// Loader loads sets where nothing else of the iptables backend is needed.
type Loader struct{}

// LoadSets is Load.
func (Loader) LoadSets(sets []plan.Set) error { return Load(sets) }

// Load makes the connected and custom sets hold what the plan says. Dynamic sets are made if they are missing;
// users' sets are theirs.
func Load(sets []plan.Set) error {
	have, err := List()
	if err != nil {
		return err
	}
	var errs []error
	for _, set := range sets {
		name := Name(set.Kind, set.Family)
		switch set.Kind {
		case plan.Connected, plan.Custom:
			errs = append(errs, fill(name, set, have))
		case plan.Dynamic:
			errs = append(errs, Ensure(plan.Dynamic, set.Family, have))
		}
	}
	return errors.Join(errs...)
}

// Ensure makes an empty set of a kind if the family has none.
func Ensure(kind plan.Kind, f network.Family, have map[string]Set) error {
	name := Name(kind, f)
	if _, ok := have[name]; ok {
		return nil
	}
	if kind == plan.Dynamic && f == network.IPv4 {
		return createList(name)
	}
	return createNets(name, f, 0)
}

// listSize is how many sets mwan3_dynamic_ipv4 can hold, as the ipset tool makes it.
const listSize = 8

// createList makes an empty list of sets. Such a set has no family: with one, the ipset tool refuses to list any set.
func createList(name string) error {
	return create(name, listSet, unix.AF_UNSPEC, nl.Uint32Attribute{Type: nl.IPSET_ATTR_SIZE, Value: listSize})
}

// createNets makes an empty set of networks with room for at least so many.
func createNets(name string, f network.Family, size int) error {
	room := uint32(defaultMaxElem)
	for int64(room) < int64(size) {
		room *= 2
	}
	return create(name, hashNet, addressFamily(f), nl.Uint32Attribute{Type: nl.IPSET_ATTR_MAXELEM, Value: room})
}

// Sticky is a set of the sources of a sticky rule.
type Sticky struct {
	Family  network.Family
	Timeout uint32 // seconds, of entries that name none
}

// CreateSticky makes an empty set of addresses whose entries expire.
func CreateSticky(name string, s Sticky) error {
	return create(name, hashIP, addressFamily(s.Family), nl.Uint32Attribute{Type: nl.IPSET_ATTR_TIMEOUT, Value: s.Timeout})
}

// create makes an empty set with one option; the first revision of its kind knows them all.
func create(name, kind string, family uint8, option nl.Uint32Attribute) error {
	option.Type |= nl.NLA_F_NET_BYTEORDER
	data := nl.NewRtAttr(nl.IPSET_ATTR_DATA|unix.NLA_F_NESTED, nil)
	data.AddChild(&option)
	req := request(nl.IPSET_CMD_CREATE)
	req.Flags |= unix.NLM_F_EXCL
	req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_SETNAME, nl.ZeroTerminated(name)))
	req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_TYPENAME, nl.ZeroTerminated(kind)))
	req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_REVISION, nl.Uint8Attr(0)))
	req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_FAMILY, nl.Uint8Attr(family)))
	req.AddData(data)
	if err := send(req); err != nil {
		return fmt.Errorf("create set %s: %w", name, err)
	}
	return nil
}

// swap exchanges the content of two sets.
func swap(a, b string) error {
	req := request(nl.IPSET_CMD_SWAP)
	req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_SETNAME, nl.ZeroTerminated(a)))
	req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_TYPENAME, nl.ZeroTerminated(b))) // IPSET_ATTR_SETNAME2
	if err := send(req); err != nil {
		return fmt.Errorf("swap set %s with %s: %w", a, b, err)
	}
	return nil
}

func addressFamily(f network.Family) uint8 {
	if f == network.IPv6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// fill makes a set of networks hold exactly the plan's. What is missing is added before what is too much is
// deleted, so that a network that stays is never away. A set that is too small is exchanged for a larger one.
func fill(name string, set plan.Set, have map[string]Set) error {
	wanted := storable(set.Prefixes)
	if old, ok := have[name]; ok && (old.kind != hashNet || old.family != addressFamily(set.Family)) {
		if err := destroy(name); err != nil {
			return fmt.Errorf("%w (it is a %s of another program)", err, old.kind)
		}
		delete(have, name)
	}
	if _, ok := have[name]; !ok {
		if err := createNets(name, set.Family, len(wanted)); err != nil {
			return err
		}
	}
	now, _, err := Read(name)
	if err != nil {
		return err
	}
	missing := without(wanted, now.Members)
	if len(now.Members)+len(missing) > int(now.maxElem) {
		return exchange(name, set.Family, wanted)
	}
	if err := edit(nl.IPSET_CMD_ADD, name, missing); err != nil {
		return err
	}
	return edit(nl.IPSET_CMD_DEL, name, without(now.Members, wanted))
}

// storable replaces the prefix of all addresses, which hash:net cannot hold, by its halves.
func storable(prefixes []netip.Prefix) []netip.Prefix {
	var list []netip.Prefix
	for _, p := range prefixes {
		if p.Bits() == 0 {
			low, high := network.Halves(p)
			list = append(list, low, high)
			continue
		}
		list = append(list, p.Masked())
	}
	return list
}

// without returns what is in a and not in b, in a's order, once.
func without(a, b []netip.Prefix) []netip.Prefix {
	skip := make(map[netip.Prefix]bool, len(a)+len(b))
	for _, p := range b {
		skip[p] = true
	}
	var rest []netip.Prefix
	for _, p := range a {
		if !skip[p] {
			skip[p] = true
			rest = append(rest, p)
		}
	}
	return rest
}

// exchange puts a new set, large enough for these networks, in the place of another one.
func exchange(name string, f network.Family, wanted []netip.Prefix) error {
	temp := name + "_temp"
	if err := destroy(temp); err != nil {
		return err
	}
	if err := createNets(temp, f, len(wanted)); err != nil {
		return err
	}
	err := edit(nl.IPSET_CMD_ADD, temp, wanted)
	if err == nil {
		err = swap(temp, name)
	}
	return errors.Join(err, destroy(temp))
}

// editChunk is how many members one message holds: far below the 64 KiB of a netlink attribute.
const editChunk = 500

// edit adds networks to a set or deletes them from it, many in one message; the library needs a message and a
// socket for each. What is already so is no error.
func edit(command int, name string, list []netip.Prefix) error {
	for chunk := range slices.Chunk(list, editChunk) {
		req := request(command)
		req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_SETNAME, nl.ZeroTerminated(name)))
		req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_LINENO|unix.NLA_F_NET_BYTEORDER, make([]byte, 4)))
		all := nl.NewRtAttr(nl.IPSET_ATTR_ADT|unix.NLA_F_NESTED, nil)
		for _, p := range chunk {
			all.AddChild(member(p))
		}
		req.AddData(all)
		if err := send(req); err != nil {
			return fmt.Errorf("edit set %s: %w", name, err)
		}
	}
	return nil
}

// member is one network as a set's message holds it.
func member(p netip.Prefix) *nl.RtAttr {
	kind := nl.IPSET_ATTR_IPADDR_IPV4
	if p.Addr().Is6() {
		kind = nl.IPSET_ATTR_IPADDR_IPV6
	}
	data := nl.NewRtAttr(nl.IPSET_ATTR_DATA|unix.NLA_F_NESTED, nil)
	addr := data.AddRtAttr(nl.IPSET_ATTR_IP|unix.NLA_F_NESTED, nil)
	addr.AddRtAttr(kind|unix.NLA_F_NET_BYTEORDER, p.Addr().AsSlice())
	data.AddRtAttr(nl.IPSET_ATTR_CIDR, nl.Uint8Attr(uint8(p.Bits())))
	return data
}
