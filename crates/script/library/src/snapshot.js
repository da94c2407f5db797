// Snapshots write files beside the script, which a monitor never does.
const refuse = () => {
  throw new Error('snapshots are not available: a monitor writes nothing beside its script');
};
export class SnapshotClient {
  constructor() {
    refuse();
  }
}
export class NodeSnapshotEnvironment {}
export const stripSnapshotIndentation = (text) => text;
