package storagegrowth

import (
	"errors"

	"scaleio-framework/internal/core"
)

// errUninstalling refuses what would begin while the system is removed.
var errUninstalling = errors.New("the system is being removed: nothing grows any more")

// tellOpen tells which growths are not over. Nothing is removed while there is
// one: its volumes may be attached and added at any moment (R10).
func (t *turn) tellOpen() {
	t.toldOpen = t.openGrowths()
	t.out.Tell(core.GrowthsOpen{IDs: t.toldOpen})
}

// openGrowths are the growths that are not finished, by id. One that cannot be
// read may be open (R8).
func (c *Core) openGrowths() []string {
	var open []string
	for _, id := range sortedKeys(c.growths) {
		if c.growths[id].Finished == nil {
			open = append(open, id)
		}
	}
	for _, id := range c.unread {
		open = append(open, id+" (its record is unreadable)")
	}
	return open
}
