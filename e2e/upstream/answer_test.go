package upstream

import (
	"fmt"
	"sort"
	"strings"

	"e2e/ubusd"
	"mwan3/ubus"
)

// answer turns an answer over ubus into a line for each value, with the way to it. What counts rounds is left out, of times
// only whether they are 0 is left; the order of the networks is the kernel's, that of the interfaces counts.
func answer(text string) []string {
	table, err := ubusd.ParseJSON([]byte(text))
	if err != nil {
		return []string{"no JSON: " + err.Error()}
	}
	lines := append(valuesIn("", table), "order of "+namesIn(table), "order of "+namesIn(table.Table("interfaces")))
	sort.Strings(lines)
	return lines
}

func namesIn(table ubus.Table) string {
	var names []string
	for _, field := range table {
		names = append(names, field.Name)
	}
	return strings.Join(names, " ")
}

func valuesIn(path string, value ubus.Value) []string {
	var lines []string
	switch value := value.(type) {
	case ubus.Table:
		for _, field := range value {
			lines = append(lines, valuesIn(path+"."+field.Name, field.Value)...)
		}
		if len(value) == 0 {
			return []string{path + " {}"}
		}
	case ubus.Array:
		for i, member := range value {
			if strings.HasPrefix(path, ".connected.") {
				i = 0
			}
			lines = append(lines, valuesIn(fmt.Sprintf("%s.%d", path, i), member)...)
		}
		if len(value) == 0 {
			return []string{path + " []"}
		}
	default:
		return []string{path + " " + scalar(path, value)}
	}
	return lines
}

// scalar leaves of what time decides only whether it is 0.
func scalar(path string, value ubus.Value) string {
	name := path[strings.LastIndexByte(path, '.')+1:]
	switch name {
	case "age", "score", "lost", "turn":
		return fmt.Sprintf("%T", value)
	case "online", "offline", "uptime":
		if number, ok := value.(int64); ok && number > 0 {
			return "…"
		}
	}
	return fmt.Sprintf("%v", value)
}
