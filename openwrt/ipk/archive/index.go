package archive

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
)

// Listed is a package file that an index names.
type Listed struct {
	Name string // of the file, relative to the index
	File []byte
}

// Index returns the text of the file Packages, from which opkg update learns what a folder has. Its gzip'ed form, which
// opkg downloads, is Packages.gz.
func Index(files []Listed) ([]byte, error) {
	var text bytes.Buffer
	for _, file := range files {
		p, err := Parse(file.File)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", file.Name, err)
		}
		sum := sha256.Sum256(file.File)
		paragraph := p.Control.
			With("Filename", file.Name).
			With("Size", strconv.Itoa(len(file.File))).
			With("SHA256sum", hex.EncodeToString(sum[:]))
		text.WriteString(paragraph.String() + "\n")
	}
	return text.Bytes(), nil
}

// Compress returns the gzip'ed form of an index.
func Compress(index []byte) ([]byte, error) {
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := zip.Write(index); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
