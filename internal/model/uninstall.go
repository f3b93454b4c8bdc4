package model

import "time"

// Uninstall is the order to take the system away again. It stands in /cluster
// from the moment it is given; nothing is installed any more from then on.
type Uninstall struct {
	Ordered time.Time `json:"ordered"`
	By      string    `json:"by,omitempty"`
	// KeepData leaves volumes, devices and the records of the last MDM as they
	// are; only software is removed.
	KeepData bool `json:"keep_data,omitempty"`
	// RemoveVolumes removes the volumes that the framework did not make, too.
	RemoveVolumes bool `json:"remove_volumes,omitempty"`
	// Begun is when the first step was committed that changes anything; until
	// then the order can be cancelled.
	Begun *time.Time `json:"begun,omitempty"`
	// LastMDM is the host whose MDM is the only one that is left of the cluster.
	LastMDM string `json:"last_mdm,omitempty"`
	// Finished is when the last step was over: nothing of the system is left.
	Finished *time.Time `json:"finished,omitempty"`
}

// Over reports whether all is removed.
func (u *Uninstall) Over() bool { return u != nil && u.Finished != nil }
