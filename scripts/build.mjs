import { install, must, turbo } from './workspace.mjs';

install();
must(await turbo('build'), 'the build');
