package apk

import "encoding/binary"

// The types of a value, in the upper four bits of its word. The other bits are the value itself or, for what does not fit
// there, where it lies (apk-v3(5)).
const (
	typeInt    = 0x10000000
	typeInt32  = 0x20000000
	typeBlob8  = 0x80000000
	typeBlob16 = 0x90000000
	typeBlob32 = 0xa0000000
	typeArray  = 0xd0000000
	typeObject = 0xe0000000

	valueMask = 0x0fffffff
)

// value is one word: what a field of an object holds. Zero is: nothing.
type value uint32

// database collects values: words in little-endian order, each where its size wants it.
type database struct {
	bytes []byte
}

// newDatabase begins with the header: version 0, and the place for the root.
func newDatabase() *database { return &database{make([]byte, 8)} }

func (d *database) align(size int) {
	for len(d.bytes)%size != 0 {
		d.bytes = append(d.bytes, 0)
	}
}

func (d *database) blob(text []byte) value {
	switch size := len(text); {
	case size == 0:
		return 0
	case size <= 0xff:
		at := value(len(d.bytes))
		d.bytes = append(append(d.bytes, byte(size)), text...)
		return typeBlob8 | at
	case size <= 0xffff:
		d.align(2)
		at := value(len(d.bytes))
		d.bytes = append(binary.LittleEndian.AppendUint16(d.bytes, uint16(size)), text...)
		return typeBlob16 | at
	default:
		d.align(4)
		at := value(len(d.bytes))
		d.bytes = append(binary.LittleEndian.AppendUint32(d.bytes, uint32(size)), text...)
		return typeBlob32 | at
	}
}

func (d *database) text(text string) value { return d.blob([]byte(text)) }

func (d *database) number(n uint32) value {
	if n <= valueMask {
		return typeInt | value(n)
	}
	d.align(4)
	at := value(len(d.bytes))
	d.bytes = binary.LittleEndian.AppendUint32(d.bytes, n)
	return typeInt32 | at
}

// object writes the fields of an object; those at the end that hold nothing are left out.
func (d *database) object(fields ...value) value {
	for len(fields) > 0 && fields[len(fields)-1] == 0 {
		fields = fields[:len(fields)-1]
	}
	return d.slots(typeObject, fields)
}

func (d *database) array(items []value) value { return d.slots(typeArray, items) }

// slots writes the number of words, itself included, and the words.
func (d *database) slots(kind value, words []value) value {
	if len(words) == 0 {
		return 0
	}
	d.align(4)
	at := value(len(d.bytes))
	d.bytes = binary.LittleEndian.AppendUint32(d.bytes, uint32(len(words)+1))
	for _, word := range words {
		d.bytes = binary.LittleEndian.AppendUint32(d.bytes, uint32(word))
	}
	return kind | at
}

// at returns the bytes of a short blob.
func (d *database) at(blob value) []byte {
	start := int(blob & valueMask)
	return d.bytes[start+1 : start+1+int(d.bytes[start])]
}

func (d *database) root(object value) { binary.LittleEndian.PutUint32(d.bytes[4:], uint32(object)) }

// The kinds of a block, in the upper two bits of the word that it begins with; the other bits are its size.
const (
	blockDatabase = 0
	blockData     = 2
)

// appendBlock appends a block and fills up to a multiple of eight bytes.
func appendBlock(to []byte, kind uint32, parts ...[]byte) []byte {
	size := 4
	for _, part := range parts {
		size += len(part)
	}
	to = binary.LittleEndian.AppendUint32(to, kind<<30|uint32(size))
	for _, part := range parts {
		to = append(to, part...)
	}
	for ; size%8 != 0; size++ {
		to = append(to, 0)
	}
	return to
}
