package iproute

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"mwan3/network"
)

// ruleHeaderSize is the size of struct fib_rule_hdr (linux/fib_rules.h).
const ruleHeaderSize = 12

// Rules returns all ip rules of both families in the kernel's order, those of a family that the kernel lacks left out.
func (h *Handle) Rules() ([]network.Rule, error) {
	var rules []network.Rule
	for _, f := range network.Families {
		start := len(rules)
		err := h.conn.dump(unix.RTM_GETRULE, ruleHeader(f), func() { rules = rules[:start] }, func(body []byte) error {
			r, ok, err := decodeRule(body)
			if ok && r.Family == f {
				rules = append(rules, r)
			}
			return err
		})
		if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
			return nil, fmt.Errorf("list %s rules: %w", f, err)
		}
	}
	return rules, nil
}

// ruleHeader is a struct fib_rule_hdr that selects a family.
func ruleHeader(f network.Family) []byte {
	b := make([]byte, ruleHeaderSize)
	b[0] = kernelFamily(f)
	return b
}

// EditRules adds and then deletes rules. Rules that are already there, or already gone, are no error; what fails does
// not stop the rest. Foreign rules are refused.
func (h *Handle) EditRules(add, del []network.Rule) error {
	e := ruleEdit{conn: h.conn}
	e.add(e.own("add", add))
	e.delete(e.own("delete", del))
	e.restore()
	return errors.Join(e.errs...)
}

// ruleEdit is one run of EditRules.
type ruleEdit struct {
	conn    *conn
	victims [][]byte // rules that the kernel deleted though they were to stay, as struct fib_rule_hdr and attributes
	errs    []error
}

// own returns the rules that can be written completely.
func (e *ruleEdit) own(verb string, rules []network.Rule) []network.Rule {
	own := make([]network.Rule, 0, len(rules))
	for _, r := range rules {
		if r.Other != "" || r.Action == network.OtherAction {
			e.errs = append(e.errs, fmt.Errorf("%s rule %s: not a rule of ours", verb, r))
			continue
		}
		own = append(own, r)
	}
	return own
}

func (e *ruleEdit) add(rules []network.Rule) {
	e.run(batch{
		count: len(rules),
		encode: func(b []byte, i int) []byte {
			return appendRule(b, unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, rules[i])
		},
		failed: func(i int, err error) {
			if !errors.Is(err, unix.EEXIST) {
				e.errs = append(e.errs, fmt.Errorf("add rule %s: %w", rules[i], err))
			}
		},
		echoed: func(int, []byte) {},
	})
}

// delete deletes the rules. As with routes, the kernel takes what a request leaves out as "any", and echoes what it
// deleted.
func (e *ruleEdit) delete(rules []network.Rule) {
	for try := 0; len(rules) > 0 && try < deleteTries; try++ {
		var again []network.Rule
		e.run(batch{
			count: len(rules),
			encode: func(b []byte, i int) []byte {
				return appendRule(b, unix.RTM_DELRULE, unix.NLM_F_ECHO, rules[i])
			},
			failed: func(i int, err error) {
				if !isGone(err) {
					e.errs = append(e.errs, fmt.Errorf("delete rule %s: %w", rules[i], err))
				}
			},
			echoed: func(i int, body []byte) {
				if deleted, ok, err := decodeRule(body); ok && err == nil && deleted != rules[i] {
					e.victims = append(e.victims, append([]byte(nil), body...))
					again = append(again, rules[i])
				}
			},
		})
		rules = again
	}
}

// restore adds the victims again, as they were.
func (e *ruleEdit) restore() {
	e.run(batch{
		count: len(e.victims),
		encode: func(b []byte, i int) []byte {
			start := len(b) + unix.SizeofNlMsghdr
			b = append(appendHeader(b, unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL), e.victims[i]...)
			flags := binary.NativeEndian.Uint32(b[start+8:])
			binary.NativeEndian.PutUint32(b[start+8:], flags&unix.FIB_RULE_INVERT)
			return b
		},
		failed: func(i int, err error) {
			victim, _, _ := decodeRule(e.victims[i])
			e.errs = append(e.errs, fmt.Errorf("restore rule %s: %w", victim, err))
		},
		echoed: func(int, []byte) {},
	})
}

func (e *ruleEdit) run(b batch) {
	if err := e.conn.run(b); err != nil {
		e.errs = append(e.errs, fmt.Errorf("edit rules: %w", err))
	}
}

// appendRule appends a message about one of our rules.
func appendRule(b []byte, typ, flags uint16, r network.Rule) []byte {
	b = appendHeader(b, typ, flags)
	b = append(b, kernelFamily(r.Family), 0, 0, 0, unix.RT_TABLE_UNSPEC, 0, 0, kernelAction(r.Action), 0, 0, 0, 0)
	b = appendNumber(b, nl.FRA_PRIORITY, uint32(r.Priority))
	if r.Mark != 0 || r.Mask != 0 {
		b = appendNumber(b, nl.FRA_FWMARK, r.Mark)
		b = appendNumber(b, nl.FRA_FWMASK, r.Mask)
	}
	if r.InDevice != "" {
		b = appendAttr(b, nl.FRA_IIFNAME, nl.ZeroTerminated(r.InDevice))
	}
	if r.Action == network.Lookup {
		b = appendNumber(b, nl.FRA_TABLE, uint32(r.Table))
	}
	return b
}

func kernelAction(a network.Action) byte {
	switch a {
	case network.Unreachable:
		return nl.FR_ACT_UNREACHABLE
	case network.Blackhole:
		return nl.FR_ACT_BLACKHOLE
	case network.Prohibit:
		return nl.FR_ACT_PROHIBIT
	}
	return nl.FR_ACT_TO_TBL
}

func actionOf(a byte) network.Action {
	switch a {
	case nl.FR_ACT_TO_TBL:
		return network.Lookup
	case nl.FR_ACT_UNREACHABLE:
		return network.Unreachable
	case nl.FR_ACT_BLACKHOLE:
		return network.Blackhole
	case nl.FR_ACT_PROHIBIT:
		return network.Prohibit
	}
	return network.OtherAction
}
