package ubus

import (
	"context"
	"time"
)

const (
	retryEvery = 100 * time.Millisecond
	// tryFor bounds one attempt: who is stopped while a question is open never answers it, and ubusd does not tell.
	tryFor = time.Second
)

// Wait connects to the ubusd at path (see Dial) and runs do, over and over until do succeeds, fails for good, or ctx
// ends: ubusd and the services behind it come back within seconds when they are restarted. The error is that of the
// last attempt. Each attempt has at most a second.
func Wait(ctx context.Context, path string, do func(context.Context, *Client) error) error {
	for {
		err := try(ctx, path, do)
		if err == nil || !Passing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryEvery):
		}
	}
}

func try(ctx context.Context, path string, do func(context.Context, *Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	client, err := Dial(ctx, path)
	if err != nil {
		return err
	}
	defer client.Close()
	return do(ctx, client)
}
