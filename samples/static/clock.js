const begun = performance.now();
const clock = document.getElementById("clock");
setInterval(() => { clock.value = ((performance.now() - begun) / 1000).toFixed(1); }, 100);
