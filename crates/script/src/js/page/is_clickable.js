// An element can be clicked when it is visible, enabled, in the viewport and not covered.
const element = arguments[0];
if (!element.isConnected || element.disabled) return false;
const style = getComputedStyle(element);
if (style.visibility !== 'visible' || style.display === 'none' || style.pointerEvents === 'none') return false;
let box = element.getBoundingClientRect();
if (box.width === 0 || box.height === 0) return false;
if (box.bottom < 0 || box.right < 0 || box.top > innerHeight || box.left > innerWidth) {
  element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  box = element.getBoundingClientRect();
}
const top = (x, y) => {
  let hit = document.elementFromPoint(x, y);
  while (hit && hit.shadowRoot) {
    const inner = hit.shadowRoot.elementFromPoint(x, y);
    if (!inner || inner === hit) break;
    hit = inner;
  }
  return hit;
};
const hit = top(box.left + box.width / 2, box.top + box.height / 2);
return hit === element || element.contains(hit) || (hit !== null && hit.contains(element) && hit.tagName === 'LABEL');
