// The shop's pages; what goes wrong comes from the server's timetable.
const body = document.body;
const faults = body.dataset.faults.split(' ');
const main = document.getElementById('main');
const cart = () => JSON.parse(sessionStorage.getItem('cart') ?? '[]');
const showCount = () => { document.getElementById('cart-count').textContent = cart().length; };
const products = async (query = '') => (await fetch(`/api/products?q=${encodeURIComponent(query)}`)).json();
const escape = (text) => Object.assign(document.createElement('i'), { textContent: text }).innerHTML;
const card = (product) => `<li><a href="/product/${product.id}">${escape(product.name)}</a><div class="price">€ ${product.price.toFixed(2)}</div></li>`;

const pages = {
  async home() {
    main.innerHTML = '<section class="hero"><h1>Everything a canary needs</h1><p>Seeds, cages and toys, watched around the clock.</p></section><h2>Popular</h2><ul class="grid" id="products"></ul>';
    performance.mark('HE-stop-hero');
    document.getElementById('products').innerHTML = (await products()).map(card).join('');
    performance.mark('HE-stop-products');
  },
  async search() {
    const query = new URLSearchParams(location.search).get('q') ?? '';
    const found = await products(query);
    main.innerHTML = `<h1>Results for “${escape(query)}”</h1><p id="result-count">${found.length} found</p><ul class="grid">${found.map(card).join('')}</ul>`;
  },
  async product() {
    const id = location.pathname.split('/').pop();
    const product = (await products()).find((item) => String(item.id) === id);
    if (!product) { main.innerHTML = '<h1>Not found</h1>'; return; }
    main.innerHTML = `<h1>${escape(product.name)}</h1><p class="price">€ ${product.price.toFixed(2)}</p><button id="add-to-cart">Add to cart</button> <span id="added"></span>`;
    document.getElementById('add-to-cart').addEventListener('click', () => {
      sessionStorage.setItem('cart', JSON.stringify([...cart(), product]));
      showCount();
      document.getElementById('added').textContent = 'Added';
    });
  },
  async cart() {
    const items = cart();
    const total = items.reduce((sum, item) => sum + item.price, 0);
    main.innerHTML = `<h1>Cart</h1><ul id="cart-items">${items.map((item) => `<li>${escape(item.name)}</li>`).join('')}</ul><p id="total">Total € ${total.toFixed(2)}</p><a id="checkout" href="/order"><button>Checkout</button></a>`;
  },
  async login() {
    main.innerHTML = '<h1>Log in</h1><form id="login-form"><label>User <input id="username" name="user" autocomplete="username"></label><label>Password <input id="password" name="password" type="password" autocomplete="current-password"></label><button type="submit">Log in</button></form><p class="error" id="login-error" hidden></p>';
    document.getElementById('login-form').addEventListener('submit', async (event) => {
      event.preventDefault();
      const form = new FormData(event.target);
      const answer = await fetch('/api/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(Object.fromEntries(form)) });
      if (answer.ok) { location.href = '/order'; return; }
      const error = document.getElementById('login-error');
      error.hidden = false;
      error.textContent = (await answer.json()).message;
    });
  },
  async order() {
    const answer = await fetch('/api/account');
    if (!answer.ok) { location.href = '/login'; return; }
    const { user } = await answer.json();
    main.innerHTML = `<h1>Your order</h1><p id="welcome">Welcome, ${escape(user)}</p><p>${cart().length} items</p><button id="place-order">Place order</button><p id="confirmation"></p>`;
    document.getElementById('place-order').addEventListener('click', async () => {
      const order = await (await fetch('/api/orders', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(cart().map((item) => item.id)) })).json();
      sessionStorage.removeItem('cart');
      showCount();
      document.getElementById('confirmation').textContent = `Thank you, order ${order.id} is on its way`;
    });
  },
  async campaign() {
    main.innerHTML = '<section class="hero"><h1>Spring sale</h1><p>All cages 20 % off.</p></section>';
  },
};

showCount();
if (faults.includes('javascript-error')) window.checkoutConfig.load();
if (faults.includes('layout-shift')) {
  setTimeout(() => main.insertAdjacentHTML('afterbegin', '<div class="banner"><h2>Only today</h2><p>Free delivery for everything that sings.</p><p>Really everything.</p></div>'), 600);
}
pages[body.dataset.page]().catch((error) => {
  console.error('page failed', String(error));
  main.innerHTML = '<h1 class="error">Something went wrong</h1>';
});
