package leader

import (
	"context"
	"errors"
	"fmt"

	"scaleio-framework/internal/zkconn"
)

// Client looks at a framework's state from outside and places orders. It is
// neither a candidate nor ever the leader.
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

// CreateOrder places an order for the leader and returns its path. When the
// outcome is unknown look at the tree before placing it again.
func (c *Client) CreateOrder(ctx context.Context, data []byte) (string, error) {
	if len(data) > MaxRecord {
		return "", fmt.Errorf("%w: an order of %d bytes, at most %d", ErrTooLarge, len(data), MaxRecord)
	}
	path, err := c.conn.Create(ctx, PathOrders+"/", data, zkconn.Sequential)
	if errors.Is(err, zkconn.ErrNoNode) {
		return "", fmt.Errorf("no framework takes orders there: %w", err)
	}
	return path, refusal(err)
}

// ForgetFramework removes the framework id, so that the next leader draws a new
// one; the nodes and the plan stay. It returns the id that was removed, as it
// stands in the record. It is for a framework that Mesos has removed.
func (c *Client) ForgetFramework(ctx context.Context) ([]byte, error) {
	data, stat, err := c.conn.Get(ctx, PathFramework)
	if err != nil {
		return nil, refusal(err)
	}
	return data, refusal(c.conn.Delete(ctx, PathFramework, stat.Version))
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }
