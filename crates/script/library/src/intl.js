// Numbers and dates of languages: English, German, Czech and French.
import '@formatjs/intl-getcanonicallocales/polyfill-force.js';
import '@formatjs/intl-locale/polyfill-force.js';
import '@formatjs/intl-pluralrules/polyfill-force.js';
import '@formatjs/intl-pluralrules/locale-data/en.js';
import '@formatjs/intl-pluralrules/locale-data/de.js';
import '@formatjs/intl-pluralrules/locale-data/cs.js';
import '@formatjs/intl-pluralrules/locale-data/fr.js';
import '@formatjs/intl-numberformat/polyfill-force.js';
import '@formatjs/intl-numberformat/locale-data/en.js';
import '@formatjs/intl-numberformat/locale-data/en-GB.js';
import '@formatjs/intl-numberformat/locale-data/de.js';
import '@formatjs/intl-numberformat/locale-data/cs.js';
import '@formatjs/intl-numberformat/locale-data/fr.js';
import '@formatjs/intl-datetimeformat/polyfill-force.js';
import '@formatjs/intl-datetimeformat/locale-data/en.js';
import '@formatjs/intl-datetimeformat/locale-data/en-GB.js';
import '@formatjs/intl-datetimeformat/locale-data/de.js';
import '@formatjs/intl-datetimeformat/locale-data/cs.js';
import '@formatjs/intl-datetimeformat/locale-data/fr.js';
import '@formatjs/intl-datetimeformat/add-golden-tz.js';

const LANGUAGES = ['en', 'de', 'cs', 'fr'];
// A language without its data would be formatted as English without a word.
const refuse = (locales) => {
  for (const locale of [locales ?? []].flat())
    if (!LANGUAGES.includes(String(locale).toLowerCase().split(/[-_]/)[0]))
      throw new RangeError(
        `locale \`${locale}\` is not available: English, German, Czech and French (en, de, cs, fr) are`,
      );
};
const guarded = (Format) =>
  new Proxy(Format, {
    construct(target, [locales, ...rest], newTarget) {
      refuse(locales);
      return Reflect.construct(target, [locales ?? 'en-US', ...rest], newTarget);
    },
    apply(target, self, [locales, ...rest]) {
      refuse(locales);
      return target.call(self, locales ?? 'en-US', ...rest);
    },
  });
const Formats = globalThis.Intl;
// V8 writes a plain space where newer data has a narrow one, since too many programs read dates.
const { prototype } = Formats.DateTimeFormat;
const written = Object.getOwnPropertyDescriptor(prototype, 'format');
Object.defineProperty(prototype, 'format', {
  ...written,
  get() {
    const plain = written.get.call(this);
    return (date) => plain(date).replace(/\u202f/g, ' ');
  },
});
Formats.DateTimeFormat.__setDefaultTimeZone?.('UTC');
for (const name of ['NumberFormat', 'DateTimeFormat', 'PluralRules']) Formats[name] = guarded(Formats[name]);
const format = (prototype, name, make) =>
  Object.defineProperty(prototype, name, {
    configurable: true,
    writable: true,
    value(locales, options) {
      return make(locales, options).format(this);
    },
  });
const date = (defaults) => (locales, options) =>
  new Formats.DateTimeFormat(
    locales,
    options && Object.keys(options).some((key) => !['timeZone', 'hour12', 'hourCycle'].includes(key))
      ? options
      : { ...defaults, ...options },
  );
const DAY = { year: 'numeric', month: 'numeric', day: 'numeric' };
const TIME = { hour: 'numeric', minute: 'numeric', second: 'numeric' };
format(Number.prototype, 'toLocaleString', (locales, options) => new Formats.NumberFormat(locales, options));
format(BigInt.prototype, 'toLocaleString', (locales, options) => new Formats.NumberFormat(locales, options));
format(Date.prototype, 'toLocaleString', date({ ...DAY, ...TIME }));
format(Date.prototype, 'toLocaleDateString', date(DAY));
format(Date.prototype, 'toLocaleTimeString', date(TIME));

export { Formats };
