package ubus

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends a value as JSON, in the way of blobmsg's tools: the fields of a table keep their order. The result
// is valid whatever the value holds: bytes that are no UTF-8 become U+FFFD, and what JSON cannot say (a number that is
// infinite or none, a type that blobmsg does not have) becomes null.
//
// It is here because encoding/json would add 450 KiB to the program on MIPS, and rpcd's plugins need no more than this.
func AppendJSON(b []byte, v Value) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint32:
		return strconv.AppendUint(b, uint64(v), 10)
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return strconv.AppendFloat(b, v, 'g', -1, 64)
		}
	case string:
		return appendJSONText(b, v)
	case Array:
		return appendJSONArray(b, v)
	case Table:
		return appendJSONTable(b, v)
	}
	return append(b, "null"...)
}

func appendJSONArray(b []byte, a Array) []byte {
	b = append(b, '[')
	for i, v := range a {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendJSON(b, v)
	}
	return append(b, ']')
}

func appendJSONTable(b []byte, t Table) []byte {
	b = append(b, '{')
	for i, field := range t {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONText(b, field.Name), ':')
		b = AppendJSON(b, field.Value)
	}
	return append(b, '}')
}

func appendJSONText(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s { // a byte that is no UTF-8 comes as U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"
