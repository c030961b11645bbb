package ubus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// maxDepth bounds how deep tables and arrays of a foreign message may nest. netifd needs six levels.
const maxDepth = 32

var (
	errNotBlobmsg = errors.New("attribute has no name")
	errTooDeep    = fmt.Errorf("nested deeper than %d levels", maxDepth)
)

// parseFields reads the blobmsg attributes of a table.
func parseFields(b []byte, depth int) (Table, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	var t Table
	for len(b) > 0 {
		head, contents, rest, err := cut(b)
		if err != nil {
			return nil, err
		}
		field, err := parseField(head, contents, depth)
		if err != nil {
			return nil, err
		}
		t = append(t, field)
		b = rest
	}
	return t, nil
}

func parseField(head uint32, contents []byte, depth int) (Field, error) {
	name, payload, err := cutName(contents)
	if err != nil || head&extended == 0 {
		return Field{}, errNotBlobmsg
	}
	value, err := parseValue(head>>idShift&idMask, payload, depth)
	if err != nil {
		return Field{}, fmt.Errorf("%s: %w", name, err)
	}
	return Field{Name: name, Value: value}, nil
}

// cutName splits the contents of a blobmsg attribute into name and value.
func cutName(b []byte) (name string, value []byte, err error) {
	if len(b) < 2 {
		return "", nil, errNotBlobmsg
	}
	length := int(binary.BigEndian.Uint16(b))
	start := roundUp(2 + length + 1)
	if start > len(b) || b[2+length] != 0 {
		return "", nil, errNotBlobmsg
	}
	return string(b[2 : 2+length]), b[start:], nil
}

func parseValue(kind uint32, b []byte, depth int) (Value, error) {
	switch kind {
	case typeNull:
		return nil, nil
	case typeArray:
		return parseArray(b, depth+1)
	case typeTable:
		return parseFields(b, depth+1)
	case typeString:
		return parseString(b)
	case typeInt64, typeInt32, typeInt16, typeBool, typeDouble:
		return parseNumber(kind, b)
	}
	return nil, fmt.Errorf("unknown blobmsg type %d", kind)
}

func parseArray(b []byte, depth int) (Value, error) {
	fields, err := parseFields(b, depth)
	if err != nil {
		return nil, err
	}
	var a Array
	for _, field := range fields {
		a = append(a, field.Value)
	}
	return a, nil
}

// parseString reads up to the first NUL, as C does.
func parseString(b []byte) (string, error) {
	length := bytes.IndexByte(b, 0)
	if length < 0 {
		return "", errors.New("string without an end")
	}
	return string(b[:length]), nil
}

func parseNumber(kind uint32, b []byte) (Value, error) {
	sizes := [...]int{typeInt64: 8, typeInt32: 4, typeInt16: 2, typeBool: 1, typeDouble: 8}
	if len(b) != sizes[kind] {
		return nil, fmt.Errorf("blobmsg type %d with %d bytes", kind, len(b))
	}
	switch kind {
	case typeInt64:
		return int64(binary.BigEndian.Uint64(b)), nil
	case typeInt32:
		return int64(int32(binary.BigEndian.Uint32(b))), nil
	case typeInt16:
		return int64(int16(binary.BigEndian.Uint16(b))), nil
	case typeDouble:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	}
	return b[0] != 0, nil
}
