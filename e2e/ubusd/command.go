package ubusd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"mwan3/ubus"
)

// callPatience is how long the command ubus waits for an answer.
const callPatience = 30 * time.Second

// Command plays OpenWrt's program ubus, as far as scripts use it: `ubus call OBJECT METHOD [JSON]`. It prints the answer as
// one line of JSON and returns the exit code.
func Command(socket string, args []string, stdout, stderr io.Writer) int {
	if len(args) < 3 || len(args) > 4 || args[0] != "call" {
		fmt.Fprintln(stderr, "usage: ubus call OBJECT METHOD [JSON]")
		return 1
	}
	text := "{}"
	if len(args) == 4 {
		text = args[3]
	}
	answer, err := callOnce(socket, args[1], args[2], text)
	if err != nil {
		fmt.Fprintf(stderr, "Command failed: %v\n", err)
		var status ubus.Status
		if errors.As(err, &status) {
			return int(status)
		}
		return int(ubus.StatusNotFound)
	}
	if answer != nil {
		fmt.Fprintf(stdout, "%s\n", ubus.AppendJSON(nil, answer))
	}
	return 0
}

func callOnce(socket, object, method, text string) (ubus.Table, error) {
	args, err := ParseJSON([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("arguments %s: %w", text, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), callPatience)
	defer cancel()
	client, err := ubus.Dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Call(ctx, object, method, args)
}

// ParseJSON turns a JSON object into a table with the same order.
func ParseJSON(text []byte) (ubus.Table, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := parseValue(decoder)
	if err != nil {
		return nil, err
	}
	table, ok := value.(ubus.Table)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return table, nil
}

func parseValue(decoder *json.Decoder) (ubus.Value, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return parseTable(decoder)
		}
		return parseArray(decoder)
	case json.Number:
		return token.Int64()
	default:
		return token, nil // string, bool, nil
	}
}

func parseTable(decoder *json.Decoder) (ubus.Value, error) {
	table := ubus.Table{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		value, err := parseValue(decoder)
		if err != nil {
			return nil, err
		}
		table = append(table, ubus.Field{Name: name.(string), Value: value})
	}
	_, err := decoder.Token()
	return table, err
}

func parseArray(decoder *json.Decoder) (ubus.Value, error) {
	array := ubus.Array{}
	for decoder.More() {
		value, err := parseValue(decoder)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	_, err := decoder.Token()
	return array, err
}
