package config

import "math/bits"

// Mask is the part of the packet's and the connection's mark that belongs to mwan3 (option mmx_mask). The ids of
// interfaces and of the three special destinations are spread over its bits (contracts 2.1).
type Mask uint32

// DefaultMask is upstream's default: six bits, 60 interfaces.
const DefaultMask Mask = 0x3F00

// maxTable keeps ids clear of the kernel's tables 253 (default), 254 (main) and 255 (local).
const maxTable = 252

// Mark spreads id's bits, from low to high, over the set bits of the mask.
func (m Mask) Mark(id int) uint32 {
	var mark uint32
	for rest := uint32(m); rest != 0 && id != 0; rest &= rest - 1 {
		if id&1 != 0 {
			mark |= rest & -rest
		}
		id >>= 1
	}
	return mark
}

// ID is the inverse of Mark; bits outside the mask are ignored.
func (m Mask) ID(mark uint32) int {
	id, bit := 0, 1
	for rest := uint32(m); rest != 0; rest &= rest - 1 {
		if mark&rest&-rest != 0 {
			id |= bit
		}
		bit <<= 1
	}
	return id
}

// Ones is the number of bits that the mask has.
func (m Mask) Ones() int { return bits.OnesCount32(uint32(m)) }

// DefaultID is the id of "use the main table": all bits set.
func (m Mask) DefaultID() int { return 1<<m.Ones() - 1 }

// UnreachableID is the id of "answer unreachable".
func (m Mask) UnreachableID() int { return m.DefaultID() - 1 }

// BlackholeID is the id of "drop silently".
func (m Mask) BlackholeID() int { return m.DefaultID() - 2 }

// MaxID is the highest id that an interface can have.
func (m Mask) MaxID() int { return min(m.DefaultID()-3, maxTable) }

// SpecialMark is the mark of a destination that is no interface.
func (m Mask) SpecialMark(s Special) uint32 {
	switch s {
	case Default:
		return m.Mark(m.DefaultID())
	case Blackhole:
		return m.Mark(m.BlackholeID())
	}
	return m.Mark(m.UnreachableID())
}
