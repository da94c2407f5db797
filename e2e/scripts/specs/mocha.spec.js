describe('hooks', () => {
  const order = [];
  before(() => {
    order.push('before');
  });
  beforeEach(() => {
    order.push('beforeEach');
  });
  after(() => {
    order.push('after');
  });
  it('run before the first', () => {
    expect(order).toEqual(['before', 'beforeEach']);
  });
  describe('of an inner suite', () => {
    before(() => {
      order.push('inner before');
    });
    beforeEach(() => {
      order.push('inner beforeEach');
    });
    it('run after those around', () => {
      expect(order.slice(-3)).toEqual(['inner before', 'beforeEach', 'inner beforeEach']);
    });
    it('run again', () => {
      expect(order.slice(-2)).toEqual(['beforeEach', 'inner beforeEach']);
    });
  });
  it('run in the order of mocha', () => {
    console.log(order.join(' '));
  });
});
describe('a failing beforeEach', () => {
  let count = 0;
  beforeEach(() => {
    count += 1;
    if (count === 2) throw new Error('second time');
  });
  it('lets the first pass', () => {});
  it('fails the second', () => {});
  it('is not played any more', () => {});
});
describe('a failing before', () => {
  before(() => {
    throw new Error('at once');
  });
  it('is not played', () => {});
  describe('inside', () => {
    it('is not played either', () => {});
  });
});
describe('after a failing suite', () => {
  it('goes on', () => {
    console.log('went on');
  });
});
describe('kinds of tests', () => {
  it('awaits a promise', async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    console.log('after the promise');
  });
  it('returns a promise', () => new Promise((resolve) => setTimeout(resolve, 20)).then(() => console.log('returned')));
  it('throws', () => {
    throw new Error('thrown');
  });
  it('throws a text', () => {
    throw 'just a text';
  });
  it('rejects', async () => {
    throw new TypeError('rejected');
  });
  it('knows its title', function () {
    console.log(this.test.title, '|', this.test.fullTitle(), '|', this.test.parent.title);
  });
  it.skip('is skipped', () => {
    throw new Error('never');
  });
  xit('is skipped, too', () => {
    throw new Error('never');
  });
  it('is pending');
  let tries = 0;
  it('is tried again', function () {
    this.retries(2);
    tries += 1;
    console.log('try', tries);
    if (tries < 3) throw new Error('not yet');
  });
  it('is tried in vain', function () {
    this.retries(1);
    throw new Error('never works');
  });
  it('uses what is undefined', () => {
    undefinedFunction();
  });
  it('reads of nothing', () => {
    const nothing = undefined;
    nothing.member;
  });
});
describe('made while it loads', () => {
  for (const number of [1, 2, 3])
    it(`number ${number}`, () => {
      console.log('number', number);
    });
});
describe('a context', () => {
  before(function () {
    this.shared = 'from before';
  });
  it('is shared', function () {
    expect(this.shared).toBe('from before');
  });
  context('inside', () => {
    specify('is inherited', function () {
      expect(this.shared).toBe('from before');
    });
  });
});
describe.skip('a suite that is skipped', () => {
  it('is not played', () => {
    throw new Error('never');
  });
});
