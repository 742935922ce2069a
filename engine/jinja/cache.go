package jinja

import "sync"

// cacheKey is what a parsed source depends on. Its place does not count: the
// tree holds places relative to its start.
type cacheKey struct {
	src  string
	o    Options
	expr bool
}

// maxCached bounds the sources that are kept, maxCachedBytes their text.
const (
	maxCached      = 20_000
	maxCachedBytes = 64 << 20
)

// treeCache keeps what was parsed. When it is full it starts anew: what is in
// use comes back at once.
type treeCache struct {
	mu    sync.RWMutex
	trees map[cacheKey]*tree
	bytes int
}

var parsed = &treeCache{trees: map[cacheKey]*tree{}}

func (c *treeCache) get(k cacheKey, parse func() (*tree, error)) (*tree, error) {
	c.mu.RLock()
	t := c.trees[k]
	c.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	t, err := parse()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.trees) >= maxCached || c.bytes > maxCachedBytes {
		c.trees, c.bytes = map[cacheKey]*tree{}, 0
	}
	c.trees[k] = t
	c.bytes += len(k.src)
	return t, nil
}
