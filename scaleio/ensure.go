package scaleio

import (
	"context"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Ensured is an object that is there.
type Ensured struct {
	ID string
	// Created is true when it was absent at first and was there afterwards. It
	// tells an operator's log what happened; nothing may depend on it, since
	// somebody else may have made the object in between.
	Created bool
}

// wish is an object that should be there.
type wish[T any] struct {
	// find returns nil when the object is absent, and an error when that could
	// not be told.
	find   func(context.Context) (*T, error)
	create func(context.Context) (string, error)
	// check says how a found object differs; nil when any will do.
	check func(*T) error
	id    func(*T) string
}

// ensure asks, creates what is absent, and asks again where the creation did
// not tell: "already exists" and a lost reply both mean that the object may be
// there. It does not create a second time.
func ensure[T any](ctx context.Context, w wish[T]) (Ensured, error) {
	found, err := w.find(ctx)
	if err != nil {
		return Ensured{}, err
	}
	if found != nil {
		return w.accept(found, false)
	}
	id, err := w.create(ctx)
	if err == nil {
		return Ensured{ID: id, Created: true}, nil
	}
	if !IsAlreadyExists(err) && !IsAmbiguous(err) {
		return Ensured{}, err
	}
	found, again := w.find(ctx)
	switch {
	case again != nil:
		return Ensured{}, fmt.Errorf("%w; asking whether it was done: %w", err, again)
	case found == nil:
		return Ensured{}, err
	}
	return w.accept(found, !IsAlreadyExists(err))
}

func (w wish[T]) accept(found *T, created bool) (Ensured, error) {
	done := Ensured{ID: w.id(found), Created: created}
	if w.check == nil {
		return done, nil
	}
	if err := w.check(found); err != nil {
		return Ensured{}, err
	}
	return done, nil
}

// settle makes a condition hold: it asks, acts, and asks again where the action
// did not tell.
func settle(holds func() (bool, error), act func() error) (changed bool, err error) {
	ok, err := holds()
	if ok || err != nil {
		return false, err
	}
	err = act()
	if err == nil {
		return true, nil
	}
	if !IsAmbiguous(err) && !IsAlreadyExists(err) && !isNotMapped(err) && !IsNotFound(err) {
		return false, err
	}
	ok, again := holds()
	switch {
	case again != nil:
		return false, fmt.Errorf("%w; asking whether it was done: %w", err, again)
	case !ok:
		return false, err
	}
	return true, nil
}

// first returns the first element that matches, nil when none does.
func first[T any](all []T, err error, match func(T) bool) (*T, error) {
	if err != nil {
		return nil, err
	}
	for i := range all {
		if match(all[i]) {
			return &all[i], nil
		}
	}
	return nil, nil
}

// maxName is the longest name of a ScaleIO object, in characters.
const maxName = 31

// checkName refuses a name that the MDM would cut or refuse: an object that is
// stored under another name is never found again.
func checkName(kind, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s: its name is empty", kind)
	case utf8.RuneCountInString(name) > maxName:
		return fmt.Errorf("%s %q: its name is longer than %d characters", kind, name, maxName)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) || unicode.IsSpace(r) {
			return fmt.Errorf("%s %q: its name holds a blank or a character that cannot be printed", kind, name)
		}
	}
	return nil
}

// hasDevices reports that a pool setting was refused because of its devices.
func hasDevices(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.says(notEmptyPattern)
}
