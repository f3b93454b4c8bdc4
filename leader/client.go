package leader

import (
	"context"
	"errors"
	"fmt"

	"scaleio-framework/internal/zkconn"
)

// Client looks at a framework's state from outside. It is neither a candidate
// nor ever the leader.
type Client struct{ conn *zkconn.Conn }

// Open connects to the framework whose root the options name. It waits for
// ZooKeeper as long as ctx allows.
func Open(ctx context.Context, opts zkconn.Options) (*Client, error) {
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	conn, err := zkconn.Dial(ctx, opts)
	if err != nil {
		return nil, refusal(err)
	}
	return &Client{conn}, nil
}

// Leader is the card of the present leader, if there is one.
func (c *Client) Leader(ctx context.Context) (Card, bool, error) {
	data, _, err := c.conn.Get(ctx, PathLeader)
	if errors.Is(err, zkconn.ErrNoNode) {
		return Card{}, false, nil
	}
	if err != nil {
		return Card{}, false, refusal(err)
	}
	card, err := decodeCard(data)
	if err != nil {
		return Card{}, false, unreadable(PathLeader, err)
	}
	return card, true, nil
}

// Candidates are the cards of all running schedulers, by instance.
func (c *Client) Candidates(ctx context.Context) ([]Card, error) {
	names, err := c.conn.Children(ctx, PathCandidates)
	if errors.Is(err, zkconn.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, refusal(err)
	}
	var cards []Card
	for _, name := range names {
		path := PathCandidates + "/" + name
		data, _, err := c.conn.Get(ctx, path)
		if errors.Is(err, zkconn.ErrNoNode) {
			continue
		}
		if err != nil {
			return nil, refusal(err)
		}
		card, err := decodeCard(data)
		if err != nil {
			return nil, unreadable(path, err)
		}
		cards = append(cards, card)
	}
	return cards, nil
}

// Tree returns everything that is stored, as Term.Tree does.
func (c *Client) Tree(ctx context.Context) (Snapshot, error) {
	tree, err := readTree(ctx, c.conn)
	if errors.Is(err, zkconn.ErrNoNode) {
		return nil, fmt.Errorf("no framework has stored anything there: %w", err)
	}
	return tree, refusal(err)
}

// RewriteFramework replaces the framework's record with what rewrite makes of
// it; old is nil when there is none. It is for a framework that Mesos has
// removed, while no scheduler leads for long.
func (c *Client) RewriteFramework(ctx context.Context, rewrite func(old []byte) ([]byte, error)) error {
	old, stat, err := c.conn.Get(ctx, PathFramework)
	absent := errors.Is(err, zkconn.ErrNoNode)
	if err != nil && !absent {
		return refusal(err)
	}
	data, err := rewrite(old)
	if err != nil {
		return err
	}
	if absent {
		_, err = c.conn.Create(ctx, PathFramework, data, zkconn.Persistent)
	} else {
		_, err = c.conn.Set(ctx, PathFramework, data, stat.Version)
	}
	return refusal(err)
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }
