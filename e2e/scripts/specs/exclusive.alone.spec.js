describe('exclusive ones', () => {
  it('are alone', () => {
    console.log('not this');
  });
  it.only('are the ones that count', () => {
    console.log('this');
  });
  describe('inside', () => {
    it('nothing else', () => {
      console.log('nor this');
    });
    it.only('another', () => {
      console.log('and this');
    });
  });
});
