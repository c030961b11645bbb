// Package openwrt runs our engine on a router that knows nothing of it, as an official image of OpenWrt: the engine comes on a
// second drive, and is started by typing on the console what a person would type. The image's kernel needs virtio's drives,
// cards and ports: those for x86 and for armsr have them built in, the one for malta has none.
package openwrt

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"qemu/image"
	"qemu/machine"
)

// start is the script that the second drive brings.
//
//go:embed lab-start
var start string

// Files is where the router finds the second drive.
const Files = "/tmp/lab"

// Drive puts a folder with an engine (at image.Engine, below the folder) and whatever else the engine wants on a second drive for
// the machine. It writes to c.Dir and into the folder.
func Drive(ctx context.Context, c machine.Config, folder string) (machine.Config, error) {
	if _, err := os.Stat(filepath.Join(folder, image.Engine)); err != nil {
		return c, fmt.Errorf("the folder for the second drive has no engine: %w", err)
	}
	c.Extra = filepath.Join(c.Dir, "extra.ext4")
	script := filepath.Join(folder, "lab-start")
	return c, errors.Join(
		os.MkdirAll(c.Dir, 0o755),
		os.WriteFile(script, []byte(start), 0o755),
		image.Extra(ctx, folder, c.Extra),
	)
}

// Begin waits for the router's shell and starts the engine. From then on m.Channel leads to it.
func Begin(m *machine.Machine, patience time.Duration) error {
	conn, err := m.Console()
	if err != nil {
		return err
	}
	until := time.Now().Add(patience)
	c := &console{conn: conn}
	if err := c.login(until); err != nil {
		return err
	}
	for _, command := range []string{
		"mkdir -p " + Files,
		"mount -t ext4 /dev/vdb " + Files,
		"sh " + Files + "/lab-start",
	} {
		if err := c.run(until, command); err != nil {
			return err
		}
	}
	return nil
}
