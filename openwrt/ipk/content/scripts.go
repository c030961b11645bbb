package content

import "embed"

// The scripts are for a router's busybox; each says what it is for.
//
//go:embed scripts/preinst scripts/postinst scripts/prerm scripts/postrm
var scripts embed.FS

// Scripts returns the scripts that opkg runs around install and removal, by name.
func Scripts() (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, name := range []string{"preinst", "postinst", "prerm", "postrm"} {
		body, err := scripts.ReadFile("scripts/" + name)
		if err != nil {
			return nil, err
		}
		found[name] = body
	}
	return found, nil
}
