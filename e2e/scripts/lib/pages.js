// Page objects as users write them: getters, inheritance, a singleton.
export const shopName = 'shop';
class Page {
  open(path) {
    return browser.url(path);
  }
}
export class LoginPage extends Page {
  get user() {
    return $('#user');
  }
  get send() {
    return $('#send');
  }
  get result() {
    return $('#result');
  }
  open() {
    return super.open('/form.html');
  }
  async login(name) {
    await this.user.setValue(name);
    await this.send.click();
  }
}
export default new LoginPage();
