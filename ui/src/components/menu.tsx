import type { ReactNode } from 'react';
import {
  Dialog as AriaDialog,
  Menu as AriaMenu,
  Button,
  DialogTrigger,
  Heading,
  MenuItem,
  MenuTrigger,
  Modal,
  ModalOverlay,
  Popover,
} from 'react-aria-components';
import './menu.css';
import { common } from '../strings/common';

/** Menus, popovers and dialogs: React Aria's behaviour in our clothes. */

export function Menu({
  label,
  children,
  items,
  className = 'button',
}: {
  label: string;
  children?: ReactNode;
  items: { id: string; text: string; action: () => void; disabled?: boolean }[];
  className?: string;
}) {
  return (
    <MenuTrigger>
      <Button className={className} {...(children ? { 'aria-label': label } : {})}>
        {children ?? label}
      </Button>
      <Popover className="popover" placement="bottom end">
        <AriaMenu
          className="menu"
          aria-label={label}
          disabledKeys={items.filter((item) => item.disabled).map((item) => item.id)}
          onAction={(key) => items.find((item) => item.id === key)?.action()}
        >
          {items.map((item) => (
            <MenuItem key={item.id} id={item.id} className="menu-item">
              {item.text}
            </MenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

/** A button with something to fill in behind it. */
export function Panel({
  label,
  children,
  className = 'button',
  content,
  title,
}: {
  label: string;
  title?: string;
  children?: ReactNode;
  className?: string;
  content: (close: () => void) => ReactNode;
}) {
  return (
    <DialogTrigger>
      <Button className={className} {...(children ? { 'aria-label': label } : {})}>
        {children ?? label}
      </Button>
      <Popover className="popover padded" placement="bottom end">
        <AriaDialog className="panel" aria-label={title ?? label}>
          {({ close }) => content(close)}
        </AriaDialog>
      </Popover>
    </DialogTrigger>
  );
}

export function Dialog({
  title,
  open,
  close,
  children,
  wide,
}: {
  title: string;
  open: boolean;
  close: () => void;
  children: ReactNode;
  wide?: boolean;
}) {
  return (
    <ModalOverlay className="overlay" isOpen={open} onOpenChange={(next) => !next && close()} isDismissable>
      <Modal className={wide ? 'modal wide' : 'modal'}>
        <AriaDialog className="dialog">
          <header className="spread">
            <Heading slot="title">{title}</Heading>
            <Button className="button quiet icon" aria-label={common.close} onPress={close}>
              ✕
            </Button>
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
