// getCSSProperty: the value as text with what can be read from it, as WebdriverIO answers it.
(own) => {
  const hex = (red, green, blue) => `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
  const color = (value) => {
    const match = /^rgba?\(\s*(\d+)[,\s]+(\d+)[,\s]+(\d+)(?:[,/\s]+([\d.]+))?\s*\)$/.exec(value);
    if (!match) return null;
    const [red, green, blue] = match.slice(1, 4).map(Number);
    const alpha = match[4] === undefined ? 1 : Number(match[4]);
    return { hex: hex(red, green, blue), rgba: `rgba(${red},${green},${blue},${alpha})`, alpha };
  };
  own.parseCss = (raw, property) => {
    const text = String(raw ?? '').trim();
    if (!text) return { property, value: null };
    const found = color(text);
    if (found && (property.includes('color') || /^rgba?\(/.test(text)))
      return {
        property,
        value: found.rgba,
        parsed: { hex: found.hex, alpha: found.alpha, type: 'color', rgba: found.rgba },
      };
    if (property === 'font-family') {
      const first = text.split(',').map((name) =>
        name
          .replace(/^["']|["']$/g, '')
          .trim()
          .toLowerCase(),
      )[0];
      return {
        property,
        value: first,
        parsed: {
          value: text.split(',').map((name) => name.replace(/^["'\s]+|["'\s]+$/g, '').toLowerCase()),
          type: 'font',
          string: text.toLowerCase(),
        },
      };
    }
    const number = /^(-?[\d.]+)(px|em|rem|%|pt|s|ms|deg|vh|vw)?$/.exec(text);
    if (number)
      return {
        property,
        value: number[2] || property === 'font-weight' ? (number[2] ? text : Number(text)) : Number(text),
        parsed: { type: 'number', string: text, unit: number[2] ?? '', value: Number(number[1]) },
      };
    return { property, value: text, parsed: { type: /^[\w-]+$/.test(text) ? 'ident' : 'function', string: text } };
  };
};
