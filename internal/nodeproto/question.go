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
}
