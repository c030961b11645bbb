package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var when = time.Unix(1700000000, 0)

func example() Package {
	return Package{
		Control: Control{
			{"Package", "mwan3"}, {"Version", "3.0.0-r1"}, {"Architecture", "mips_24kc"}, {"Description", "one line\nand another"},
		},
		Conffiles: []string{"/etc/config/mwan3"},
		Scripts:   map[string][]byte{"postinst": []byte("#!/bin/sh\n"), "prerm": []byte("#!/bin/sh\nexit 0\n")},
		Files: []Entry{
			{Path: "usr/sbin/mwan3", Mode: 0o755, Body: []byte("program")},
			{Path: "etc/config/mwan3", Mode: 0o600, Body: []byte("config\n")},
		},
	}
}

func marshal(t testing.TB, p Package) []byte {
	t.Helper()
	data, err := PackFiles(p.Files, when)
	if err != nil {
		t.Fatal(err)
	}
	file, err := p.Marshal(data, when)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWhatIsWrittenIsReadWithItsFoldersAndItsSize(t *testing.T) {
	t.Parallel()
	want := example()
	want.Control = want.Control.With("Installed-Size", "14")
	want.Files = []Entry{
		{Path: "", Mode: 0o755, Dir: true},
		{Path: "etc", Mode: 0o755, Dir: true},
		{Path: "etc/config", Mode: 0o755, Dir: true},
		{Path: "etc/config/mwan3", Mode: 0o600, Body: []byte("config\n")},
		{Path: "usr", Mode: 0o755, Dir: true},
		{Path: "usr/sbin", Mode: 0o755, Dir: true},
		{Path: "usr/sbin/mwan3", Mode: 0o755, Body: []byte("program")},
	}
	got, err := Parse(marshal(t, example()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheSamePackageIsTheSameBytes(t *testing.T) {
	t.Parallel()
	first := marshal(t, example())
	for range 5 { // the scripts come from a map
		if !bytes.Equal(first, marshal(t, example())) {
			t.Fatal("packing twice gave different bytes")
		}
	}
}

func TestTheControlFileHasTheFieldsInOrderAndTheDescriptionLast(t *testing.T) {
	t.Parallel()
	want := `Package: mwan3
Version: 3.0.0-r1
Architecture: mips_24kc
Installed-Size: 14
Description: one line
 and another
`
	if got := example().Control.With("Installed-Size", "14").String(); got != want {
		t.Errorf("got\n%s", got)
	}
	parsed, err := ParseControl(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example().Control.With("Installed-Size", "14"), parsed); diff != "" {
		t.Error(diff)
	}
}

func TestTheIndexTellsNameSizeAndSum(t *testing.T) {
	t.Parallel()
	got, err := Index([]Listed{{"mwan3.ipk", marshal(t, Package{Control: Control{{"Package", "mwan3"}, {"Description", "d"}}})}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseControl(string(bytes.TrimSuffix(got, []byte("\n"))))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, field := range p {
		names = append(names, field.Name)
	}
	want := []string{"Package", "Installed-Size", "Filename", "Size", "SHA256sum", "Description"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if p.Get("Filename") != "mwan3.ipk" || len(p.Get("SHA256sum")) != 64 || !bytes.HasSuffix(got, []byte("d\n\n")) {
		t.Errorf("got\n%s", got)
	}
	packed, err := Compress(got)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gzip.NewReader(bytes.NewReader(packed)); err != nil {
		t.Error(err)
	}
}

// tarOf packs headers as they are.
func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zip)
	for _, header := range headers {
		if header.Format == 0 {
			header.Format = tar.FormatGNU
		}
		if err := archive.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestWhatOpkgWouldStumbleOverIsRefused(t *testing.T) {
	t.Parallel()
	root := tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}
	for name, test := range map[string]struct {
		headers []tar.Header
		want    string
	}{
		"a name without its dot":         {[]tar.Header{{Name: "etc/x"}}, `"etc/x": the name does not begin with ./`},
		"another owner":                  {[]tar.Header{root, {Name: "./x", Uid: 1000}}, `"./x": it belongs to 1000:0 :`},
		"an owner's name":                {[]tar.Header{root, {Name: "./x", Uname: "root"}}, `"./x": it belongs to 0:0 root:`},
		"a link":                         {[]tar.Header{root, {Name: "./x", Typeflag: tar.TypeSymlink, Linkname: "y"}}, `"./x": the type is '2'`},
		"a set-uid bit":                  {[]tar.Header{root, {Name: "./x", Mode: 0o4755}}, `"./x": the mode is 4755`},
		"a way out":                      {[]tar.Header{root, {Name: "./../x"}}, `"./../x": the path is not clean`},
		"the same twice":                 {[]tar.Header{root, {Name: "./x"}, {Name: "./x"}}, `"./x": stands there twice`},
		"a file before its folder":       {[]tar.Header{root, {Name: "./etc/x"}}, `"./etc/x": stands there before its folder`},
		"a file without the root":        {[]tar.Header{{Name: "./x"}}, `"./x": stands there before its folder`},
		"another format than opkg reads": {[]tar.Header{{Name: "./x", Format: tar.FormatPAX, PAXRecords: map[string]string{"a.b": "c"}}}, `"./x": the format is PAX`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := unpack(tarOf(t, test.headers...), map[string]bool{})
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestAPackageOfOtherPartsIsRefused(t *testing.T) {
	t.Parallel()
	pack := func(entries ...Entry) []byte {
		packed, err := pack(entries, when)
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	empty := pack(Entry{Mode: 0o755, Dir: true})
	two := Entry{Path: "debian-binary", Body: []byte("2.0\n")}
	data := Entry{Path: "data.tar.gz", Body: empty}
	control := func(entries ...Entry) Entry {
		return Entry{Path: "control.tar.gz", Body: pack(append([]Entry{{Mode: 0o755, Dir: true}}, entries...)...)}
	}
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"an ar archive": {[]byte("!<arch>\ndebian-binary   "), "gzip: invalid header"},
		"another order": {pack(two, control(), data), "the package consists of debian-binary control.tar.gz data.tar.gz, not of debian-binary data.tar.gz control.tar.gz"},
		"version 3":     {pack(Entry{Path: "debian-binary", Body: []byte("3.0\n")}, data, control()), `debian-binary is "3.0\n"`},
		"no control":    {pack(two, data, control()), "control.tar.gz: there is no control file"},
		"a script that cannot run": {pack(two, data, control(Entry{Path: "postinst", Mode: 0o644})),
			"control.tar.gz: postinst cannot be run, its mode is 644"},
		"a file too many": {pack(two, data, control(Entry{Path: "md5sums", Mode: 0o644})), "control.tar.gz: opkg has no use for md5sums"},
		"no field": {pack(two, data, control(Entry{Path: "control", Mode: 0o644, Body: []byte("Package mwan3\n")})),
			`control.tar.gz: line 1 of the control file is no field: "Package mwan3"`},
		"a field twice": {pack(two, data, control(Entry{Path: "control", Mode: 0o644, Body: []byte("A: b\nA: c\n")})),
			"control.tar.gz: line 2 of the control file: A stands there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(test.file)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(marshal(f, example()))
	f.Add([]byte("not a package"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<16 {
			t.Skip("large")
		}
		_, _ = Parse(file)
	})
}

func FuzzParseControl(f *testing.F) {
	f.Add(example().Control.String())
	f.Add("A: b\n c\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseControl(text)
		if err != nil {
			return
		}
		again, err := ParseControl(c.String())
		if err != nil || !cmp.Equal(c, again) {
			t.Errorf("%q is read as %q, written as %q and read as %q (%v)", text, c, c.String(), again, err)
		}
	})
}
