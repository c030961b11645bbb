package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// realMwan3 is where the lab keeps the program that the test binary stands in for.
const realMwan3 = "/usr/sbin/mwan3-real"

// TestMain makes the test binary stand in for the programs that the tracker calls. What mwan3 is only asked it answers
// itself.
func TestMain(m *testing.M) {
	if asked := len(os.Args) == 3 && (os.Args[1] == "tracking" || os.Args[1] == "path"); asked {
		fmt.Fprintln(os.Stderr, syscall.Exec(realMwan3, os.Args, os.Environ()))
		os.Exit(1)
	}
	if name := filepath.Base(os.Args[0]); name == "hotplug-call" || name == "mwan3" {
		os.Exit(standIn(name))
	}
	os.Exit(m.Run())
}

// standIn writes down how it was called.
func standIn(name string) int {
	file, err := os.OpenFile("/run/calls", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 1
	}
	defer file.Close()
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "PATH=") {
			env = append(env, variable)
		}
	}
	fmt.Fprintln(file, name, strings.Join(os.Args[1:], " "), strings.Join(env, " "))
	return 0
}
