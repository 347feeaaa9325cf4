// What the build lays at /ui/vendor.
declare module '/ui/vendor/xterm/xterm.mjs' {
	export { Terminal } from '@xterm/xterm';
}
declare module '/ui/vendor/xterm/addon-fit.mjs' {
	export { FitAddon } from '@xterm/addon-fit';
}
