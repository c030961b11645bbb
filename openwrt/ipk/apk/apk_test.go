package apk

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"ipk/archive"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// example has a blob of each size, a file without contents and a folder without files.
func example() Package {
	return Package{
		Name: "mwan3", Version: "3.0.0-r1", Architecture: "mips_24kc", License: "Apache-2.0", Origin: "feeds/mwan3",
		Description: "Multiwan", Scripts: Scripts{PreInstall: []byte("#!/bin/sh\n"), PostUpgrade: []byte("#!/bin/sh\n" + strings.Repeat("true\n", 60))},
		Files: archive.Folders([]archive.Entry{
			{Path: "etc/config/mwan3", Mode: 0o600, Body: []byte("config\n")},
			{Path: "etc/empty", Mode: 0o644},
			{Path: "usr/sbin/mwan3", Mode: 0o755, Body: []byte("program")},
		}),
	}
}

// The golden file is what apk 3.0 has accepted: apk verify, apk adbdump, apk add.
func TestThePackageIsTheOneThatApkHasAccepted(t *testing.T) {
	t.Parallel()
	file, err := example().Marshal(time.Unix(1700000000, 0))
	if err != nil {
		t.Fatal(err)
	}
	packed, ok := bytes.CutPrefix(file, []byte("ADBd"))
	if !ok {
		t.Fatalf("it begins with %q", file[:4])
	}
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/example.hex"
	got := hex.Dump(plain)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the package is\n%s", got)
	}
}

func TestALargeBlobAndALargeNumberLieApart(t *testing.T) {
	t.Parallel()
	d := newDatabase()
	if got, want := d.blob(make([]byte, 0x10000)), value(typeBlob32|8); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	if got, want := d.number(0x10000000), value(typeInt32|8+4+0x10000); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	if got, want := d.number(valueMask), value(0x1fffffff); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestAFileBeforeItsFolderIsAnError(t *testing.T) {
	t.Parallel()
	p := Package{Files: []archive.Entry{{Path: "etc/x"}}}
	if _, err := p.Marshal(time.Unix(0, 0)); err == nil || err.Error() != "pack etc/x: before its folder" {
		t.Errorf("got %v", err)
	}
}
