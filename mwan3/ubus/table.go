package ubus

// Value is a value as blobmsg has it: nil, bool, int64, float64, string, Array or Table. Encoding also takes an int
// and a uint32; the latter always keeps its 32 bits, as ids need.
type Value any

// Array is a list of values.
type Array []Value

// Table is a list of named values that keeps their order.
type Table []Field

// Field is one value of a table.
type Field struct {
	Name  string
	Value Value
}

// Get returns the value of that name, nil if there is none. Of several it returns the last, as libubox does.
func (t Table) Get(name string) Value {
	for i := len(t) - 1; i >= 0; i-- {
		if t[i].Name == name {
			return t[i].Value
		}
	}
	return nil
}

// Text returns the string of that name, "" if there is none.
func (t Table) Text(name string) string {
	s, _ := t.Get(name).(string)
	return s
}

// Int returns the integer of that name, 0 if there is none.
func (t Table) Int(name string) int64 {
	n, _ := t.Get(name).(int64)
	return n
}

// Bool returns the truth value of that name, false if there is none.
func (t Table) Bool(name string) bool {
	b, _ := t.Get(name).(bool)
	return b
}

// Table returns the table of that name, nil if there is none.
func (t Table) Table(name string) Table {
	sub, _ := t.Get(name).(Table)
	return sub
}

// Array returns the array of that name, nil if there is none.
func (t Table) Array(name string) Array {
	a, _ := t.Get(name).(Array)
	return a
}
