// Package cross compiles the three programs for other processors, proves that a second time gives the same, and measures
// what they take on a router.
package cross

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"ipk/content"
	"ipk/target"
)

// Builder compiles the programs of a workspace.
type Builder struct {
	Root  string   // of the workspace
	Flags []string // of go build
	Env   []string // KEY=value, besides what the target wants
}

// Build compiles the programs for a target into a folder. As on OpenWrt, the workspace is the three modules and no more: the
// Go version that a workspace names decides about defaults of the runtime, and it is recorded in the program.
func (b Builder) Build(ctx context.Context, t target.Target, folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "mwan3-workspace-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	work := filepath.Join(scratch, "go.work")
	if err := errors.Join(b.writeWorkspace(work), os.MkdirAll(folder, 0o755)); err != nil {
		return err
	}
	args := append(append([]string{"build"}, b.Flags...), "-o", folder+"/")
	for _, program := range content.Programs() {
		args = append(args, "./"+program)
	}
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = b.Root
	command.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=", "GOWORK="+work), t.Env...)
	command.Env = append(command.Env, b.Env...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build for %s: go %s: %w\n%s", t.Name, strings.Join(args, " "), err, out)
	}
	return nil
}

// writeWorkspace writes the go.work of the three modules. Its folder must be empty: go puts a go.work.sum there.
func (b Builder) writeWorkspace(work string) error {
	root, err := filepath.Abs(b.Root)
	if err != nil {
		return err
	}
	text := "go 1.23.0\n"
	for _, module := range content.Programs() {
		text += "use " + strconv.Quote(filepath.Join(root, module)) + "\n"
	}
	return os.WriteFile(work, []byte(text), 0o644)
}

// Repeat compiles the programs once more, from a copy of the sources in another folder and with an empty build cache, and
// compares them with those in folder, bit for bit.
func (b Builder) Repeat(ctx context.Context, t target.Target, folder string) error {
	scratch, err := os.MkdirTemp("", "mwan3-again-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	again := Builder{Root: filepath.Join(scratch, "sources"), Flags: b.Flags}
	again.Env = append(again.Env, "GOCACHE="+filepath.Join(scratch, "cache"))
	for _, module := range content.Programs() {
		if err := os.CopyFS(filepath.Join(again.Root, module), os.DirFS(filepath.Join(b.Root, module))); err != nil {
			return fmt.Errorf("copy the sources: %w", err)
		}
	}
	second := filepath.Join(scratch, "programs")
	if err := again.Build(ctx, t, second); err != nil {
		return err
	}
	return same(folder, second)
}

func same(first, second string) error {
	for _, program := range content.Programs() {
		a, err := os.ReadFile(filepath.Join(first, program))
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(second, program))
		if err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			return fmt.Errorf("%s: a second build differs: %d and %d bytes, first at byte %d", program, len(a), len(b), differ(a, b))
		}
	}
	return nil
}

// differ returns where two different files begin to differ.
func differ(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
