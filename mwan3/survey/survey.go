// Package survey looks around: it reads the config, the interfaces, the kernel's routes and rules and the verdicts,
// and hands them over as the inputs of a plan. Trackers see the router through mwan3, so nobody sees a different one.
package survey

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"mwan3/config"
	"mwan3/health"
	"mwan3/iproute"
	"mwan3/network"
	"mwan3/plan"
	"mwan3/ubus"
	"mwan3/uci"
)

// netifdPatience is how long a look waits for netifd when ubusd or netifd are just being restarted.
const netifdPatience = 3 * time.Second

// ErrNetifd says that this is an OpenWrt router, but that netifd did not tell which interfaces there are. Nothing may
// be taken down because of that.
var ErrNetifd = errors.New("netifd does not answer")

// Config reads the router's mwan3 configuration.
func Config() (config.Config, []config.Fault, error) {
	return config.Load(uci.Default("mwan3"))
}

// KeepConfig notes below dir which configuration the kernel is loaded with now.
func KeepConfig(dir string) error { return uci.Default("mwan3").Keep(dir) }

// KeptConfig reads what KeepConfig has noted, whatever has become of the configuration since. The error wraps
// fs.ErrNotExist when nothing was noted.
func KeptConfig(dir string) (config.Config, error) {
	cfg, _, err := config.Load(uci.Default("mwan3").Below(dir))
	return cfg, err
}

// Look reads all that marking and verdicts depend on: interfaces, families and states, but neither routes nor rules.
func Look(ctx context.Context, cfg config.Config, routing *iproute.Handle) (plan.Inputs, error) {
	interfaces, err := Interfaces(ctx, cfg)
	if err != nil {
		return plan.Inputs{}, err
	}
	return plan.Inputs{
		Config:  cfg,
		Network: network.State{Interfaces: interfaces, Families: routing.Families()},
		Health:  health.Default().States(),
	}, nil
}

// LookDeep adds the routes and rules of the kernel to what Look sees.
func LookDeep(ctx context.Context, cfg config.Config, routing *iproute.Handle) (plan.Inputs, error) {
	in, err := Look(ctx, cfg, routing)
	if err != nil {
		return in, err
	}
	if in.Network.Routes, err = routing.Routes(); err != nil {
		return in, fmt.Errorf("list routes: %w", err)
	}
	if in.Network.Rules, err = routing.Rules(); err != nil {
		return in, fmt.Errorf("list ip rules: %w", err)
	}
	return in, nil
}

// Interfaces returns the interfaces as netifd has them or, on a router without ubus, as the kernel has them. The error
// wraps ErrNetifd when there is a ubus but no answer within a few seconds.
func Interfaces(ctx context.Context, cfg config.Config) (map[string]network.Interface, error) {
	path, ok := socket()
	if !ok {
		return standalone(cfg)
	}
	ctx, cancel := context.WithTimeout(ctx, netifdPatience)
	defer cancel()
	interfaces, err := ubus.Interfaces(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNetifd, err)
	}
	return interfaces, nil
}

// HasNetifd tells whether this is a router on which netifd knows the interfaces.
func HasNetifd() bool {
	_, ok := socket()
	return ok
}

// NetifdStarted tells whether netifd has appeared on ubus. At boot mwan3 starts before it, and must not wait for it.
func NetifdStarted(ctx context.Context) bool {
	path, ok := socket()
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, netifdPatience)
	defer cancel()
	client, err := ubus.Dial(ctx, path)
	if err != nil {
		return false
	}
	defer client.Close()
	_, err = client.Interfaces(ctx)
	return !errors.Is(err, ubus.NoObject)
}

// socket finds ubusd's socket. One that is there but refuses still means that the router has netifd.
func socket() (string, bool) {
	for _, path := range ubus.Sockets {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, true
		}
	}
	return "", false
}
