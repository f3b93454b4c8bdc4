package nodeproto

// The questions a leader can ask (Kind Ask). They change nothing on the host.
// The part of a step key after a slash tells equal questions apart.
const (
	// QuestionInventory is answered by an inventory.
	QuestionInventory = "inventory"
	// QuestionLocate is answered by a report whose result is a model.Disk.
	QuestionLocate = "locate"
)

// LocateParams belongs to QuestionLocate.
type LocateParams struct {
	// Serial is the disk's serial number; the volume id of an EBS volume. Case
	// and dashes do not matter.
	Serial string `json:"serial"`
	// Device is the name that the volume was attached under, for example
	// /dev/sdf. On Xen, where disks tell no serial number, it says where the
	// disk appeared; elsewhere it means nothing.
	Device string `json:"device,omitempty"`
}
