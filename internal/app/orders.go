package app

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
)

// orders brings operators' orders from their znodes to the engine, and writes
// those that come by HTTP. It has a session of its own: orders are written by
// anyone, without the fence, and its loss is no loss of leadership.
type orders struct {
	zk     zkconn.Options
	logger hclog.Logger

	mu   sync.Mutex
	conn *zkconn.Conn
}

func newOrders(zk zkconn.Options, logger hclog.Logger) *orders {
	return &orders{zk: zk, logger: logger.Named("orders")}
}

// redialPause is the wait before a lost session is replaced.
const redialPause = time.Second

// connect keeps a session until ctx ends.
func (o *orders) connect(ctx context.Context) {
	for ctx.Err() == nil {
		conn, err := zkconn.Dial(ctx, o.zk)
		if err != nil {
			pause(ctx)
			continue
		}
		o.use(conn)
		select {
		case <-ctx.Done():
		case <-conn.Done():
		}
		o.use(nil)
		conn.Close()
	}
}

func pause(ctx context.Context) {
	timer := time.NewTimer(redialPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// watch offers each order once, until ctx ends.
func (o *orders) watch(ctx context.Context, offer func(context.Context, core.Event) error) {
	offered := offered{names: make(map[string]bool)}
	for ctx.Err() == nil {
		conn, err := o.connection()
		if err == nil {
			err = o.follow(ctx, conn, &offered, offer)
		}
		if err != nil && ctx.Err() == nil {
			o.logger.Debug("orders cannot be read, trying again", "error", err)
		}
		if ctx.Err() == nil {
			pause(ctx)
		}
	}
}

func (o *orders) use(conn *zkconn.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn = conn
}

func (o *orders) connection() (*zkconn.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn == nil {
		return nil, errors.New("no ZooKeeper session for orders at the moment, try again")
	}
	return o.conn, nil
}

// offered are the orders that the engine was given.
type offered struct {
	container int64 // the creation of the znode that numbered them
	names     map[string]bool
}

// in forgets them when the container is another one: it numbers from 0 again.
func (s *offered) in(container zkconn.Stat) {
	if container.CreatedZxid != s.container {
		clear(s.names)
		s.container = container.CreatedZxid
	}
}

func (o *orders) follow(ctx context.Context, conn *zkconn.Conn, offered *offered, offer func(context.Context, core.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for state := range conn.WatchChildren(ctx, leader.PathOrders) {
		if state.Err != nil {
			return state.Err
		}
		if !state.Exists {
			// The leader creates nothing in it, so no commit of his would miss it.
			_, err := conn.Create(ctx, leader.PathOrders, nil, zkconn.Persistent)
			if err != nil && !errors.Is(err, zkconn.ErrNodeExists) {
				return err
			}
			continue
		}
		offered.in(state.Stat)
		for _, name := range state.Names {
			if offered.names[name] {
				continue
			}
			path := leader.PathOrders + "/" + name
			data, stat, err := conn.Get(ctx, path)
			switch {
			case errors.Is(err, zkconn.ErrNoNode):
				continue
			case errors.Is(err, zkconn.ErrNoAuth):
				o.logger.Warn("an order cannot be read and is left alone: correct its ACL, or delete it", "order", path, "error", err)
				continue
			case err != nil:
				return err
			}
			offered.names[name] = true
			if err := offer(ctx, core.OrderReceived{Path: path, Version: stat.Version, Raw: data}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Submit implements httpapi.Orders.
func (o *orders) Submit(ctx context.Context, order []byte) (string, error) {
	conn, err := o.connection()
	if err != nil {
		return "", err
	}
	return conn.Create(ctx, leader.PathOrders+"/", order, zkconn.Sequential)
}

// Outcome implements httpapi.Orders.
func (o *orders) Outcome(ctx context.Context, path string) (waiting bool, refused string, err error) {
	conn, err := o.connection()
	if err != nil {
		return false, "", err
	}
	if _, waiting, err = conn.Exists(ctx, path); err != nil || waiting {
		return waiting, "", err
	}
	name := strings.TrimPrefix(path, leader.PathOrders+"/")
	data, _, err := conn.Get(ctx, leader.PathOrdersRefused+"/"+name)
	if errors.Is(err, zkconn.ErrNoNode) {
		return false, "", nil
	}
	if err != nil {
		return false, "", err
	}
	var record model.RefusedOrder
	if err := json.Unmarshal(data, &record); err != nil || record.Reason == "" {
		return false, "the reason at " + leader.PathOrdersRefused + "/" + name + " cannot be read", nil
	}
	return false, record.Reason, nil
}

// candidates lists the cards of all running schedulers.
func (o *orders) candidates(ctx context.Context) ([]leader.Card, error) {
	conn, err := o.connection()
	if err != nil {
		return nil, err
	}
	names, err := conn.Children(ctx, leader.PathCandidates)
	if err != nil {
		return nil, err
	}
	var cards []leader.Card
	for _, name := range names {
		data, _, err := conn.Get(ctx, leader.PathCandidates+"/"+name)
		if errors.Is(err, zkconn.ErrNoNode) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var card leader.Card
		if err := json.Unmarshal(data, &card); err == nil {
			cards = append(cards, card)
		}
	}
	return cards, nil
}
