document.getElementById('widget').textContent = '★★★★★ 4.8 of 5';
