// Package debian brings Debian's packages for any architecture: with the machine's own apt and its mirrors, but with a state
// of our own, so that neither the machine's packages nor its lists change.
package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qemu/command"
	"qemu/store"
)

// Apt fetches for one architecture.
type Apt struct {
	Store store.Store
	// Architecture is Debian's name.
	Architecture string
}

// Native returns the architecture of the machine that this runs on.
func Native(ctx context.Context) (string, error) {
	out, err := command.Run(ctx, "", "dpkg", "--print-architecture")
	return strings.TrimSpace(out), err
}

// Packages returns a folder with the .deb files of the named packages and of all that they depend on.
func (a Apt) Packages(ctx context.Context, names ...string) (string, error) {
	question := append([]string{"install", "--yes"}, slices.Sorted(slices.Values(names))...)
	return a.fetch(ctx, "debs-"+a.Architecture, question, func(folder string) error {
		partial := filepath.Join(folder, "partial")
		if err := os.MkdirAll(partial, 0o755); err != nil {
			return err
		}
		args := append([]string{"-o", "Dir::Cache::archives=" + folder, "--download-only"}, question...)
		_, err := command.Run(ctx, "", "apt-get", a.Args(args...)...)
		return errors.Join(err, os.RemoveAll(partial), os.RemoveAll(filepath.Join(folder, "lock")))
	})
}

// Alone returns a folder with the .deb file of one package, without what it depends on.
func (a Apt) Alone(ctx context.Context, name string) (string, error) {
	question := []string{"download", name}
	return a.fetch(ctx, "deb-"+name, question, func(folder string) error {
		_, err := command.Run(ctx, folder, "apt-get", a.Args(question...)...)
		return err
	})
}

// Source returns the folder of a package's unpacked and patched source.
func (a Apt) Source(ctx context.Context, name string) (string, error) {
	entry, err := a.fetch(ctx, "source-"+name, []string{"source", "--download-only", name}, func(folder string) error {
		_, err := command.Run(ctx, folder, "apt-get", a.Args("source", name)...)
		return err
	})
	if err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(entry, name+"-*", "debian"))
	if err != nil || len(found) != 1 {
		return "", errors.Join(err, fmt.Errorf("%s has %d folders of source, not one", entry, len(found)))
	}
	return filepath.Dir(found[0]), nil
}

// fetch makes an entry of what apt-get answers to a question. Old lists name versions that the mirrors have no more: they are
// renewed before a second try.
func (a Apt) fetch(ctx context.Context, name string, question []string, get func(folder string) error) (string, error) {
	for again := false; ; again = true {
		list, err := a.resolve(ctx, question)
		var entry string
		if err == nil {
			entry, err = a.Store.Make(name, store.NewKey(list), get)
		}
		if err == nil || again || ctx.Err() != nil {
			return entry, err
		}
		if err := a.update(ctx); err != nil {
			return "", err
		}
	}
}

// resolve says what apt-get would fetch, a file on each line, with their checksums.
func (a Apt) resolve(ctx context.Context, args []string) (string, error) {
	if _, err := os.Stat(a.path("updated")); err != nil {
		if err := a.update(ctx); err != nil {
			return "", err
		}
	}
	out, err := command.Run(ctx, "", "apt-get", a.Args(append([]string{"--print-uris", "-qq"}, args...)...)...)
	if err != nil {
		return "", err
	}
	return checksums(out), nil
}

// checksums takes the mirror's address out of what apt-get prints: which mirror a file came from does not matter.
func checksums(printed string) string {
	var out strings.Builder
	for line := range strings.Lines(printed) {
		if fields := strings.Fields(line); len(fields) == 4 && strings.HasPrefix(fields[0], "'") {
			fmt.Fprintln(&out, strings.Join(fields[1:], " "))
		}
	}
	return out.String()
}

// update reads the mirrors' lists anew. A single mirror that does not answer is no error here: what it lacks shows later.
func (a Apt) update(ctx context.Context) error {
	if err := os.MkdirAll(a.path("state/lists/partial"), 0o755); err != nil {
		return err
	}
	err := errors.Join(
		os.MkdirAll(a.path("cache/archives/partial"), 0o755),
		os.WriteFile(a.path("status"), nil, 0o644),
		copySources(a.path("sources.d")),
	)
	if err != nil {
		return err
	}
	a.say("reading Debian's lists for " + a.Architecture)
	if _, err := command.Run(ctx, "", "apt-get", a.Args("update", "-qq")...); err != nil {
		a.say("not all of Debian's lists can be read: " + err.Error())
	}
	return os.WriteFile(a.path("updated"), nil, 0o644)
}

func (a Apt) say(text string) {
	if a.Store.Say != nil {
		a.Store.Say(text)
	}
}

// Args returns the arguments of an apt-get that works for the architecture and in our folder.
func (a Apt) Args(args ...string) []string {
	options := []string{
		"APT::Architecture=" + a.Architecture,
		"APT::Architectures=" + a.Architecture,
		"APT::Install-Recommends=0",
		"APT::Sandbox::User=root",
		"APT::Get::List-Cleanup=0",
		"Acquire::Languages=none",
		"Acquire::Retries=3",
		"Dir::State=" + a.path("state"),
		"Dir::State::status=" + a.path("status"),
		"Dir::Cache=" + a.path("cache"),
		"Dir::Etc::sourcelist=/dev/null",
		"Dir::Etc::sourceparts=" + a.path("sources.d"),
	}
	var all []string
	for _, option := range options {
		all = append(all, "-o", option)
	}
	return append(all, args...)
}

// path is below the folder of apt's state for the architecture.
func (a Apt) path(name string) string {
	root, err := filepath.Abs(a.Store.Root)
	if err != nil {
		panic(err) // the working folder is gone
	}
	return filepath.Join(root, "apt", a.Architecture, name)
}

// Unpack unpacks the .deb files of a folder whose names match one of the patterns.
func Unpack(ctx context.Context, debs, folder string, patterns ...string) error {
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(debs, pattern))
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("no %s in %s", pattern, debs)
		}
		for _, file := range files {
			if _, err := command.Run(ctx, "", "dpkg-deb", "-x", file, folder); err != nil {
				return err
			}
		}
	}
	return nil
}
