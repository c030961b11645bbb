package ubus

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// The types of blobmsg values (libubox, blobmsg.h).
const (
	typeNull = iota
	typeArray
	typeTable
	typeString
	typeInt64
	typeInt32
	typeInt16
	typeBool
	typeDouble
)

// appendFields appends the fields of a table as blobmsg attributes.
func appendFields(b []byte, t Table) ([]byte, error) {
	var err error
	for _, field := range t {
		if b, err = appendField(b, field); err != nil {
			return nil, fmt.Errorf("%s: %w", field.Name, err)
		}
	}
	return b, nil
}

// appendField appends one value with its name: length of the name, name, NUL, padding, value.
func appendField(b []byte, field Field) ([]byte, error) {
	if len(field.Name) > math.MaxUint16 {
		return nil, fmt.Errorf("name of %d bytes", len(field.Name))
	}
	kind, err := kindOf(field.Value)
	if err != nil {
		return nil, err
	}
	b, start := begin(b, extended|kind<<idShift)
	b = binary.BigEndian.AppendUint16(b, uint16(len(field.Name)))
	b = append(b, field.Name...)
	b = pad(append(b, 0), start)
	if b, err = appendValue(b, field.Value); err != nil {
		return nil, err
	}
	return end(b, start)
}

func kindOf(v Value) (uint32, error) {
	switch v := v.(type) {
	case nil:
		return typeNull, nil
	case Array:
		return typeArray, nil
	case Table:
		return typeTable, nil
	case string:
		return typeString, nil
	case bool:
		return typeBool, nil
	case float64:
		return typeDouble, nil
	case uint32:
		return typeInt32, nil
	case int:
		return kindOfInt(int64(v)), nil
	case int64:
		return kindOfInt(v), nil
	}
	return 0, fmt.Errorf("blobmsg has no type for a %T", v)
}

// kindOfInt chooses as libubox does for numbers in JSON: 32 bits where they are enough.
func kindOfInt(n int64) uint32 {
	if n < math.MinInt32 || n > math.MaxInt32 {
		return typeInt64
	}
	return typeInt32
}

func appendValue(b []byte, v Value) ([]byte, error) {
	switch v := v.(type) {
	case Array:
		return appendArray(b, v)
	case Table:
		return appendFields(b, v)
	case string:
		return appendString(b, v)
	case bool:
		return append(b, boolByte(v)), nil
	case float64:
		return binary.BigEndian.AppendUint64(b, math.Float64bits(v)), nil
	case uint32:
		return binary.BigEndian.AppendUint32(b, v), nil
	case int:
		return appendInt(b, int64(v)), nil
	case int64:
		return appendInt(b, v), nil
	}
	return b, nil
}

func appendArray(b []byte, a Array) ([]byte, error) {
	var err error
	for _, element := range a {
		if b, err = appendField(b, Field{Value: element}); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// appendString appends a string with the NUL that ends it. One inside would cut it short for everybody in C.
func appendString(b []byte, s string) ([]byte, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return nil, fmt.Errorf("%q holds a NUL byte", s)
	}
	return append(append(b, s...), 0), nil
}

func appendInt(b []byte, n int64) []byte {
	if kindOfInt(n) == typeInt64 {
		return binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}
