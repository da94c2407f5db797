describe('matchers of elements', () => {
  beforeEach(async () => {
    await browser.url('/form.html');
  });
  const WAIT = { wait: 200, interval: 50 };
  const holds = {
    toBeDisplayed: () => expect($('#heading')).toBeDisplayed(),
    toBeExisting: () => expect($('#heading')).toBeExisting(),
    toExist: () => expect($('#heading')).toExist(),
    toBePresent: () => expect($('#heading')).toBePresent(),
    toBeDisplayedInViewport: () => expect($('#heading')).toBeDisplayedInViewport(),
    toBeClickable: () => expect($('#send')).toBeClickable(),
    toBeEnabled: () => expect($('#user')).toBeEnabled(),
    toBeDisabled: () => expect($('#off')).toBeDisabled(),
    toBeSelected: () => expect($('#never')).toBeSelected(),
    toBeChecked: () => expect($('#never')).toBeChecked(),
    toHaveText: () => expect($('#heading')).toHaveText('Sign in'),
    'toHaveText of a pattern': () => expect($('#heading')).toHaveText(/sign/i),
    'toHaveText one of': () => expect($('#heading')).toHaveText(['Log in', 'Sign in']),
    'toHaveText containing': () => expect($('#heading')).toHaveText(expect.stringContaining('ign')),
    'toHaveText in any case': () => expect($('#heading')).toHaveText('SIGN IN', { ignoreCase: true }),
    'toHaveText with containing': () => expect($('#heading')).toHaveText('Sign', { containing: true }),
    toHaveValue: () => expect($('#user')).toHaveValue('preset'),
    toHaveAttribute: () => expect($('#user')).toHaveAttribute('placeholder', 'your name'),
    'toHaveAttribute without a value': () => expect($('#user')).toHaveAttribute('placeholder'),
    toHaveAttr: () => expect($('#user')).toHaveAttr('name', 'user'),
    toHaveElementClass: () => expect($('#heading')).toHaveElementClass('title'),
    toHaveElementProperty: () => expect($('#user')).toHaveElementProperty('value', 'preset'),
    toHaveId: () => expect($('h1')).toHaveId('heading'),
    toHaveHref: () => expect($('#next')).toHaveHref('/list.html'),
    toHaveLink: () => expect($('#next')).toHaveLink('/list.html'),
    toHaveHTML: () => expect($('b')).toHaveHTML('<b>bold</b>'),
    toHaveChildren: () => expect($('#list')).toHaveChildren(),
    'toHaveChildren counted': () => expect($('#list')).toHaveChildren(3),
    'toHaveChildren at least': () => expect($('#list')).toHaveChildren({ gte: 2 }),
    toHaveStyle: () => expect($('#result')).toHaveStyle({ width: '120px' }),
    toHaveWidth: () => expect($('#picture')).toHaveWidth(20),
    toHaveHeight: () => expect($('#picture')).toHaveHeight(10),
    toHaveSize: () => expect($('#picture')).toHaveSize({ width: 20, height: 10 }),
    toHaveComputedRole: () => expect($('#send')).toHaveComputedRole('button'),
    toHaveComputedLabel: () => expect($('#send')).toHaveComputedLabel('Send it'),
    toBeElementsArrayOfSize: () => expect($$('.item')).toBeElementsArrayOfSize(3),
    'toBeElementsArrayOfSize at most': () => expect($$('.item')).toBeElementsArrayOfSize({ lte: 5 }),
    'not.toBeDisplayed': () => expect($('#nowhere')).not.toBeDisplayed(),
    'not.toBeExisting': () => expect($('#nowhere')).not.toBeExisting(),
    'not.toHaveText': () => expect($('#heading')).not.toHaveText('Sign out'),
    'not.toBeSelected': () => expect($('#agree')).not.toBeSelected(),
    'toHaveText of a list': () => expect($$('.item')).toHaveText(['One', 'Two', 'Three']),
  };
  for (const [name, holding] of Object.entries(holds))
    it(`${name} holds`, async () => {
      await holding();
    });
  const fails = {
    toBeDisplayed: () => expect($('#nowhere')).toBeDisplayed(WAIT),
    toBeExisting: () => expect($('#nowhere')).toBeExisting(WAIT),
    toBeClickable: () => expect($('#disabled')).toBeClickable(WAIT),
    toBeEnabled: () => expect($('#off')).toBeEnabled(WAIT),
    toBeDisabled: () => expect($('#user')).toBeDisabled(WAIT),
    toBeFocused: () => expect($('#user')).toBeFocused(WAIT),
    toBeSelected: () => expect($('#agree')).toBeSelected(WAIT),
    toHaveText: () => expect($('#heading')).toHaveText('Sign out', WAIT),
    'toHaveText on none': () => expect($('#nowhere')).toHaveText('x', WAIT),
    toHaveValue: () => expect($('#user')).toHaveValue('other', WAIT),
    toHaveAttribute: () => expect($('#user')).toHaveAttribute('placeholder', 'other', WAIT),
    'toHaveAttribute missing': () => expect($('#user')).toHaveAttribute('nothing', 'x', WAIT),
    toHaveElementClass: () => expect($('#heading')).toHaveElementClass('other', WAIT),
    toHaveChildren: () => expect($('#empty')).toHaveChildren(WAIT),
    toHaveId: () => expect($('h1')).toHaveId('other', WAIT),
    toHaveHref: () => expect($('#next')).toHaveHref('/other', WAIT),
    toBeElementsArrayOfSize: () => expect($$('.item')).toBeElementsArrayOfSize(5, WAIT),
    'with a message': () => expect($('#heading')).toHaveText('x', { ...WAIT, message: 'The heading is wrong' }),
    'not.toBeDisplayed': () => expect($('#heading')).not.toBeDisplayed(WAIT),
    'not.toHaveText': () => expect($('#heading')).not.toHaveText('Sign in', WAIT),
    toHaveStyle: () => expect($('#result')).toHaveStyle({ width: '1px' }, WAIT),
    toHaveComputedRole: () => expect($('#send')).toHaveComputedRole('link', WAIT),
    toHaveHTML: () => expect($('b')).toHaveHTML('<i></i>', WAIT),
    toHaveSize: () => expect($('#picture')).toHaveSize({ width: 1, height: 1 }, WAIT),
  };
  for (const [name, failing] of Object.entries(fails))
    it(`${name} fails`, async () => {
      await failing();
    });
  it('toBeFocused holds', async () => {
    await $('#user').click();
    await expect($('#user')).toBeFocused();
  });
  it('waits until it holds', async () => {
    await browser.url('/later.html');
    await expect($('#text')).toHaveText('after');
    await expect($('#added')).toBeDisplayed();
    await expect($('#gone')).not.toBeExisting();
  });
  it('takes an awaited element', async () => {
    const heading = await $('#heading');
    await expect(heading).toHaveText('Sign in');
    await expect(await $$('.item')).toBeElementsArrayOfSize(3);
  });
});
describe('matchers of the browser', () => {
  beforeEach(async () => {
    await browser.url('/list.html');
  });
  it('toHaveTitle holds', async () => {
    await expect(browser).toHaveTitle('List of things');
  });
  it('toHaveTitle of a pattern holds', async () => {
    await expect(browser).toHaveTitle(/things$/);
  });
  it('toHaveTitle containing holds', async () => {
    await expect(browser).toHaveTitle(expect.stringContaining('List'));
  });
  it('toHaveTitle fails', async () => {
    await expect(browser).toHaveTitle('Other', { wait: 200 });
  });
  it('toHaveUrl holds', async () => {
    await expect(browser).toHaveUrl(expect.stringContaining('/list.html'));
  });
  it('toHaveUrl fails', async () => {
    await expect(browser).toHaveUrl(expect.stringContaining('/other.html'), { wait: 200 });
  });
  it('not.toHaveTitle fails', async () => {
    await expect(browser).not.toHaveTitle('List of things', { wait: 200 });
  });
});
describe('matchers of values', () => {
  const cases = {
    toBe: () => expect(1).toBe(2),
    toEqual: () => expect({ a: 1 }).toEqual({ a: 2 }),
    toStrictEqual: () => expect({ a: undefined }).toStrictEqual({}),
    toContain: () => expect([1, 2]).toContain(3),
    toContainEqual: () => expect([{ a: 1 }]).toContainEqual({ a: 2 }),
    toHaveLength: () => expect('abc').toHaveLength(2),
    toMatch: () => expect('abc').toMatch(/d/),
    toMatchObject: () => expect({ a: 1, b: 2 }).toMatchObject({ a: 2 }),
    toBeNull: () => expect(1).toBeNull(),
    toBeUndefined: () => expect(1).toBeUndefined(),
    toBeDefined: () => expect(undefined).toBeDefined(),
    toBeTruthy: () => expect(0).toBeTruthy(),
    toBeFalsy: () => expect(1).toBeFalsy(),
    toBeNaN: () => expect(1).toBeNaN(),
    toBeGreaterThan: () => expect(1).toBeGreaterThan(2),
    toBeGreaterThanOrEqual: () => expect(1).toBeGreaterThanOrEqual(2),
    toBeLessThan: () => expect(2).toBeLessThan(1),
    toBeLessThanOrEqual: () => expect(2).toBeLessThanOrEqual(1),
    toBeCloseTo: () => expect(1).toBeCloseTo(2),
    toBeInstanceOf: () => expect(1).toBeInstanceOf(Array),
    toThrow: () => expect(() => {}).toThrow(),
    'toThrow a text': () =>
      expect(() => {
        throw new Error('a');
      }).toThrow('b'),
    'not.toBe': () => expect(1).not.toBe(1),
    'not.toEqual': () => expect([1]).not.toEqual([1]),
  };
  for (const [name, failing] of Object.entries(cases))
    it(`${name} fails`, () => {
      failing();
    });
  it('hold', async () => {
    expect(1).toBe(1);
    expect([1, { a: 2 }]).toEqual([1, { a: 2 }]);
    expect('abc').toContain('b');
    expect({ a: { b: 1 } }).toHaveProperty('a.b', 1);
    expect(0.1 + 0.2).toBeCloseTo(0.3);
    expect([3, 1]).toEqual(expect.arrayContaining([1]));
    expect({ a: 1, b: 2 }).toEqual(expect.objectContaining({ b: 2 }));
    expect('x').toEqual(expect.any(String));
    expect('abc').toEqual(expect.stringMatching(/b/));
    expect([1]).toEqual(expect.not.arrayContaining([2]));
    await expect(Promise.resolve(1)).resolves.toBe(1);
    await expect(Promise.reject(new Error('no'))).rejects.toThrow('no');
    expect(new Map([[1, 2]])).toEqual(new Map([[1, 2]]));
    expect(() => {
      throw new TypeError('t');
    }).toThrow(TypeError);
    expect([1, 2, 3]).toHaveLength(3);
    expect(new Set([1])).toContain(1);
  });
  it('resolves that is rejected fails', async () => {
    await expect(Promise.reject(new Error('no'))).resolves.toBe(1);
  });
  it('an extended one holds and fails', async () => {
    expect.extend({ toBeEven: (received) => ({ pass: received % 2 === 0, message: () => `${received} is odd` }) });
    expect(2).toBeEven();
    expect(3).toBeEven();
  });
  it('soft ones are told at the end', async () => {
    await browser.url('/form.html');
    await expect.soft($('#heading')).toHaveText('Wrong', { wait: 100 });
    await expect.soft($('#user')).toHaveValue('Wrong', { wait: 100 });
    console.log('went on');
  });
});
