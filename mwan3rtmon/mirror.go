package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mwan3/hotplug"
	"mwan3/network"
)

// patience is how long mwan3 may take. It needs milliseconds, and longer behind others that change something.
const patience = time.Minute

// mirror runs `mwan3 mirror` and returns the tables that it keeps.
func mirror(ctx context.Context, family network.Family) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tools, err := hotplug.Default()
	if err != nil {
		return nil, err
	}
	out, err := tools.Ask(ctx, "mirror", family.String())
	if err != nil {
		return nil, err
	}
	var tables []int
	for _, word := range strings.Fields(out) {
		table, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("mwan3 mirror %s: %q is no table", family, word)
		}
		tables = append(tables, table)
	}
	return tables, nil
}
